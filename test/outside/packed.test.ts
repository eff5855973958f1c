import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../lab/fixtures.js';
import { bundleForBrowser, chromiumProgram, runInBrowser } from '../support/browser.js';
import { buildByEsbuild, buildByVite, buildByWebpack, copyExample, filesOf, trainedIn } from './example-page.js';
import type { run } from './train-steps.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = temporaryFolder();
type Result = Awaited<ReturnType<typeof run>>;

function call(command: string, args: readonly string[], cwd = project): string {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  expect(status, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** The packages as npm would publish them, installed in an empty project. Dependencies come from npm's cache where it has them. */
beforeAll(() => {
  const packed = path.join(project, 'packed');
  mkdirSync(packed);
  call('npm', ['pack', '--workspaces', '--pack-destination', packed], root);
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'outside', private: true, type: 'module' }));
  const files = readdirSync(packed).map((name) => path.join(packed, name));
  call('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...files]);
  // The optional peer, which a user installs: the one this repository has.
  symlinkSync(path.join(root, 'node_modules/webgpu'), path.join(project, 'node_modules/webgpu'));
}, 300_000);

describe('from outside', () => {
  const module = path.join(project, 'train-steps.mjs');
  let here: Result;
  beforeAll(async () => {
    const source = readFileSync(new URL('./train-steps.ts', import.meta.url), 'utf8');
    writeFileSync(module, (await transform(source, { loader: 'ts', format: 'esm' })).code);
    writeFileSync(
      path.join(project, 'main.mjs'),
      "import { run } from './train-steps.mjs';\nprocess.stdout.write(JSON.stringify(await run()));\nprocess.exit();\n",
    );
    here = JSON.parse(call(process.execPath, ['main.mjs'])) as Result;
  }, 300_000);

  it('trains 20 steps in Node', () => {
    expect(here.losses).toHaveLength(20);
    expect(here.losses[19]).toBeLessThan(here.losses[0] as number);
  });

  it('bundles for a browser without any module of Node', async () => {
    expect(await bundleForBrowser(module, { conditions: [], workingFolder: project })).not.toMatch(/from ?["']node:/);
  });

  it.runIf(chromiumProgram)(
    'trains the same 20 steps in a browser (only where Chromium is installed)',
    async () => {
      const bundle = await bundleForBrowser(module, { conditions: [], workingFolder: project });
      const there = (await runInBrowser(bundle, { timeoutMs: 200_000 })).result as Result;
      expect(there.losses).toHaveLength(20);
      // Two software drivers, other orders of summation: rounding, and 20 steps to amplify it.
      there.losses.forEach((loss, i) => {
        expect(Math.abs(loss - (here.losses[i] as number))).toBeLessThan(1e-3 * Math.max(1, here.losses[0] as number));
      });
      there.gradient.forEach((g, i) => {
        expect(Math.abs(g - (here.gradient[i] as number))).toBeLessThan(1e-3);
      });
    },
    300_000,
  );

  it.each(['nodenext', 'bundler'])(
    'its types are found and strict, moduleResolution %s',
    (resolution) => {
      const text = `import { openDevice, tensor, type Tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import { loadStateDict, type Module, saveStateDict, SGD } from '@initlab/nn';
import { ResidentDataset } from '@initlab/data';
export async function use(): Promise<Tensor> {
  const device = await openDevice();
  const model: Module = createModel('resnet20', { numClasses: 10, norm: 'group', device });
  loadStateDict(model, await saveStateDict(model));
  new SGD(model.parameters(), { lr: 0.1 }).step();
  // @ts-expect-error a shape is a list of numbers
  tensor([1], { shape: 'x' });
  return model.forward(tensor(new Float32Array(3072), { shape: [1, 3, 32, 32], device }));
}
export type Data = ResidentDataset;
`;
      const folder = path.join(project, resolution);
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'use.ts'), text);
      const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
      const options = {
        strict: true,
        noEmit: true,
        target: 'es2022',
        // Neither the DOM's types nor WebGPU's are needed.
        lib: ['es2022'],
        module,
        moduleResolution: resolution,
      };
      writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...options, types: [] }, files: ['use.ts'] }));
      call(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
    },
    300_000,
  );

  it('the command runs, with plug-ins that share its packages', () => {
    cpSync(path.join(root, 'examples/my-norm.ts'), path.join(project, 'my-norm.ts'));
    const train = ['train', '--arch', 'cnn2-16', '--dataset', 'fashion-mnist-sample', '--limit', '64', '--batch', '32', '--epochs', '1'];
    const printed = call(process.execPath, ['node_modules/.bin/initlab', ...train, '--norm', './my-norm.ts', '--out', 'run']);
    expect(printed).toMatch(/^TRAIN_METRICS: epoch=1 .*\nTEST_METRICS: test_acc=/);
  }, 300_000);
});

describe('examples/browser', () => {
  let page: string;
  beforeAll(() => {
    page = copyExample(project);
    symlinkSync(path.join(root, 'node_modules/vite'), path.join(project, 'node_modules/vite'));
  });

  it.each([
    ['webpack', buildByWebpack],
    ['esbuild', buildByEsbuild],
  ] as const)('is built by %s, with the worker and the data beside it', async (_, build) => {
    const files = filesOf(await build(page));
    expect(files).toContain('index.html');
    expect(files.filter((name) => name.endsWith('.gz'))).toHaveLength(4);
    expect(files.filter((name) => name.endsWith('.js')).length).toBeGreaterThanOrEqual(2);
  });

  it.runIf(chromiumProgram)('is built by Vite, and trains in the page and in a worker (only where Chromium is installed)', async () => {
    const folder = await buildByVite(page);
    for (const text of await trainedIn(folder, ['?steps=3', '?worker&steps=3']))
      expect(text).toMatch(/^step 3 of 3: loss [0-9.]+, trained on ./);
  });
});
