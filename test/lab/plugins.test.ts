import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { listModels } from '@initlab/models';
import { listInitializers, listNorms } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();

const repository = path.resolve(import.meta.dirname, '../..');
const example = (name: string): string => path.join(repository, 'examples', name);
const small = ['train', '--arch', 'cnn2-16', '--dataset', 'fashion-mnist-sample', '--limit', '64', '--batch', '32'];

/** Write a plug-in and train with it; answers what the command said on stderr. */
async function attempt(kind: 'init' | 'norm', source: string, name = `my-${kind}.ts`): Promise<{ status: number | null; stderr: string }> {
  await writeFile(path.join(folder, name), source);
  return initlab([...small, `--${kind}`, `./${name}`, '--out', path.join(folder, `run-${Math.random()}`)], { cwd: folder });
}
const layer = (body: string): string => `import { Module } from '@initlab/nn';
import { type Tensor, reshape, sub } from '@initlab/core';
export class Mine extends Module {
  constructor(readonly numFeatures: number) { super(); }
  override forward(x: Tensor): Tensor {
    ${body}
  }
}
`;

describe('plug-ins', () => {
  it('train with the examples; Ctrl-C saves, and the run goes on', async () => {
    const out = path.join(folder, 'run');
    const plugins = ['--init', example('my-init.ts'), '--norm', example('my-norm.ts')];
    let sent = false;
    const stopped = await initlab([...small, '--epochs', '60', ...plugins, '--out', out], {
      onOutput: (text, kill) => {
        if (!sent && text.includes('TRAIN_METRICS')) kill('SIGINT');
        sent ||= text.includes('TRAIN_METRICS');
      },
    });
    expect(stopped.stderr).toMatch(/Saving after this step/);
    expect(stopped.stderr).toContain(`Go on with: npx initlab train --resume ${out}`);
    expect(stopped.status).toBe(130);
    expect(await readdir(path.join(out, 'plugins', 'norm'))).toEqual(['my-norm.ts']);

    const resumed = await initlab(['train', '--resume', out]);
    expect(resumed.stderr).not.toMatch(/initlab:/);
    expect(resumed.stdout).toMatch(/^(TRAIN_METRICS: epoch=\d+ .*\n)+TEST_METRICS: test_acc=\d+\.\d\d\n$/);
    expect(resumed.stdout).toContain('TRAIN_METRICS: epoch=60 ');
    expect(resumed.status).toBe(0);
    expect(await readdir(out)).toContain('result.json');
    expect(await readdir(out)).toContain('report.html');
  }, 300_000);

  it.each<[string, 'init' | 'norm', string, RegExp]>([
    ['a syntax error', 'init', 'export function initializeWeights(\n  model {', /my-init\.ts:2: Expected/],
    ['no such export', 'init', 'export const wrong = 1;', /my-init\.ts: must export a function initializeWeights.*it exports wrong/],
    [
      'an initialisation that throws',
      'init',
      "import type { Module } from '@initlab/nn';\nexport function initializeWeights(model: Module): void {\n  const missing = model.parameters()[9999];\n  missing!.set([1]);\n}",
      /my-init\.ts:4: .*undefined/,
    ],
    [
      'a wrong number of values',
      'init',
      "import type { Module } from '@initlab/nn';\nexport function initializeWeights(model: Module): void {\n\n  model.parameters()[0]?.set([1, 2]);\n}",
      /my-init\.ts:4: .*2/,
    ],
    [
      'values that are not finite',
      'init',
      "import { constant_, type Module } from '@initlab/nn';\nexport function initializeWeights(model: Module): void {\n  for (const p of model.parameters()) constant_(p, 1 / 0);\n}",
      /my-init\.ts:2: left layers\.0\.weight \[16, 3, 3, 3\] with Infinity/,
    ],
    ['no class', 'norm', 'export const norm = 3;', /my-norm\.ts: must export one class that extends Module.*none/],
    [
      'an output of another shape',
      'norm',
      layer('return reshape(x, [x.size]);'),
      /my-norm\.ts:5: Mine\.forward must keep the shape: it got \[32, 16, 16, 16\] and returned \[131072\]/,
    ],
    ['a norm that throws', 'norm', layer('return sub(x, reshape(x, [3]));'), /my-norm\.ts:6: reshape: /],
    [
      'a parameter put in place of the model’s',
      'init',
      "import { type Module, Parameter, weightLayers } from '@initlab/nn';\nexport function initializeWeights(model: Module): void {\n  weightLayers(model)[0]!.weight = new Parameter([2]);\n}",
      /my-init\.ts:2: left layers\.0\.weight of shape \[2\]; it must stay \[16, 3, 3, 3\]/,
    ],
    ['something thrown that has no stack', 'norm', layer("throw 'just a string';"), /my-norm\.ts:5: just a string/],
    ['a package that is none of ours', 'norm', "import '@initlab/nothing';\n", /my-norm\.ts:1: there is no @initlab\/nothing/],
  ])(
    '%s names the file and the line',
    async (_, kind, source, message) => {
      const { status, stderr } = await attempt(kind, source);
      expect(stderr).toMatch(message);
      expect(status).toBe(1);
    },
    30_000,
  );

  it.each([
    ['init', 'export function initializeWeights(): void {\n  writeSync(2, "round and round\\n");\n  for (;;);\n}\n'],
    ['norm', layer('writeSync(2, "round and round\\n");\n    for (;;);')],
  ])(
    'a loop without end in a file for --%s is ended by Ctrl-C',
    async (kind, source) => {
      const [file, settings] = [path.join(folder, `endless-${kind}.ts`), path.join(folder, 'endless.json')];
      await writeFile(file, `import { writeSync } from 'node:fs';\n${source}`);
      await writeFile(settings, JSON.stringify({ arch: 'cnn2-16', dataset: 'fashion-mnist-sample', limit: 64, batchSize: 32, epochs: 1 }));
      let sent = false;
      const ended = await initlab(['sweep', '--config', settings, '--grid', `${kind}=${file}`, '--root', path.join(folder, 'endless')], {
        onOutput: (text, kill) => {
          if (!sent && text.includes('round and round')) kill('SIGINT');
          sent ||= text.includes('round and round');
        },
      });
      expect(ended.stderr).toContain('round and round');
      expect(ended.status).toBe(null);
    },
    120_000,
  );

  it('a fault in a file the plug-in imports names that file; the run keeps both', async () => {
    await mkdir(path.join(folder, 'lib'), { recursive: true });
    await writeFile(path.join(folder, 'lib', 'shape.ts'), layer('return reshape(x, [x.size]);'));
    await writeFile(path.join(folder, 'lib', 'cross.ts'), 'export const cross = (): never => {\n  throw new Error("no");\n};\n');
    const shape = await attempt('norm', "export { Mine } from './lib/shape.js';");
    expect(shape.stderr).toMatch(/lib\/shape\.ts:5: Mine\.forward must keep the shape/);
    const thrown = await attempt('init', "import { cross } from './lib/cross.js';\nexport const initializeWeights = () => cross();\n");
    expect(thrown.stderr).toMatch(/lib\/cross\.ts:2: no/);
    const runs = (await readdir(folder, { recursive: true })).filter(
      (name) => /^run-[^/]*\/plugins\//.test(name) && name.endsWith('cross.ts'),
    );
    expect(runs.map((name) => name.replace(/^run-[^/]*/, ''))).toEqual(['/plugins/init/lib/cross.ts']);
  }, 300_000);

  it.each(['js', 'mjs'])(
    'a plug-in may be JavaScript: .%s',
    async (ending) => {
      const source =
        "import { normal_, weightLayers } from '@initlab/nn';\nexport function initializeWeights(model, { depth }) {\n  for (const { weight } of weightLayers(model)) normal_(weight, { std: 1 / depth });\n  throw new Error('depth ' + depth);\n}\n";
      const { stderr } = await attempt('init', source, `plain.${ending}`);
      expect(stderr).toContain(`plain.${ending}:4: depth 3`);
    },
    30_000,
  );

  it('templates: written once, and what they write trains', async () => {
    const file = path.join(folder, 'fresh-norm.ts');
    const fresh = await initlab(['new', 'norm', file]);
    expect(fresh.status).toBe(0);
    // What it proposes runs on a machine without any dataset.
    expect(fresh.stdout).toContain('--dataset fashion-mnist-sample ');
    expect((await initlab(['new', 'init', path.join(folder, 'fresh-init.ts')])).status).toBe(0);
    expect((await initlab(['new', 'norm', file])).stderr).toMatch(/there already/);
    const trained = await initlab(
      [...small, '--epochs', '1', '--norm', './fresh-norm.ts', '--init', './fresh-init.ts', '--json', '--out', path.join(folder, 'fresh')],
      { cwd: folder },
    );
    const result = JSON.parse(trained.stdout);
    expect(result.complete).toBe(true);
    expect(result.last.trainLoss).toBeGreaterThan(0);
  }, 300_000);
});

describe('settings from a file', () => {
  it('the command line comes first, the rest is the file’s; an earlier run’s settings will do', async () => {
    const file = path.join(folder, 'settings.json');
    await writeFile(
      file,
      JSON.stringify({ arch: 'mlp3-32', dataset: 'fashion-mnist-sample', limit: 64, batchSize: 32, epochs: 1, lr: 0.5 }),
    );
    const out = path.join(folder, 'from-file');
    const first = await initlab(['train', '--config', file, '--lr', '0.01', '--json', '--out', out]);
    // An MLP was designed without a norm.
    expect(JSON.parse(first.stdout)).toMatchObject({ arch: 'mlp3-32', batchSize: 32, lr: 0.01, norm: 'none', complete: true });
    const again = await initlab(['train', '--config', path.join(out, 'config.json'), '--json', '--out', `${out}-again`]);
    expect(JSON.parse(again.stdout).last.trainLoss).toBe(JSON.parse(first.stdout).last.trainLoss);
  }, 300_000);

  it.each([
    ['null', /holds no object of settings/],
    ['{"epoch": 3}', /there is no setting "epoch"; did you mean "epochs"\? known are arch, dataset/],
    ['{', /JSON/],
    ['{"experiment": "table"}', /is of a run of "table", not of train/],
  ])('%s is refused', async (text, message) => {
    const file = path.join(folder, 'wrong.json');
    await writeFile(file, text);
    const { status, stderr } = await initlab(['train', '--config', file]);
    expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });
});

describe('lists', () => {
  it.each([
    ['models', listModels],
    ['inits', listInitializers],
    ['norms', listNorms],
  ] as const)('%s --json names everything registered, with a source', async (kind, list) => {
    const rows = JSON.parse((await initlab([kind, '--json'])).stdout) as { name: string; description: string }[];
    expect(rows.map(({ name }) => name)).toEqual(list().map(({ name }) => name));
    for (const { description } of rows) expect(description).not.toBe('');
  });
});
