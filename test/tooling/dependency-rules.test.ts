import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const cruiser = path.join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const rules = path.join(repository, '.dependency-cruiser.mjs');
const gpuObjects = path.join(repository, 'scripts/gpu-objects.sh');
const made: string[] = [];

/** A folder with these files under packages/, given as path → text. */
function tree(files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'rooms-'));
  made.push(root);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, 'packages', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return root;
}

/** The breaches that the check finds in these files: `rule: from → to`. */
function breaches(files: Record<string, string>): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, [cruiser, '--config', rules, '-T', 'json', 'packages'], {
    cwd: tree(files),
    encoding: 'utf8',
  });
  if (!stdout) throw new Error(stderr);
  const { summary } = JSON.parse(stdout) as {
    summary: { violations: { from: string; to: string; rule: { name: string } }[] };
  };
  return summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`.replaceAll('packages/', '')).sort();
}

afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});

it('who imports against the picture is found, of types too, and circles of files and of folders; nothing else is', () => {
  const found = breaches({
    'kernels/src/plan.ts': 'export const wgsl = `// import from "@initlab/nn" in text is nobody\'s business`;\n',
    'kernels/src/pool/pool.ts': "import { wgsl } from '../plan.js';\nexport const pool = wgsl;\n",
    'core/src/gpu/device.ts': "import { create } from 'webgpu';\nexport { create };\n",
    'core/src/index.ts': "export { wgsl } from '@initlab/kernels';\nexport { create } from './gpu/device.js';\n",
    'nn/src/index.ts': "import type { wgsl } from '@initlab/core';\nexport type Wgsl = typeof wgsl;\n",
    'lab/src/index.ts': "export * from '@initlab/data';\nexport * from '@initlab/models';\n",
    // Between packages, and between rooms.
    'kernels/src/a.ts': "import type { Tensor } from '@initlab/core';\nexport type T = Tensor;\n",
    'data/src/b.ts': "export const load = () => import('@initlab/nn');\n",
    'models/src/c.ts': "export type K = import('@initlab/kernels').Plan;\n",
    'core/src/ops/sum.ts': 'export const sum = 1;\n',
    'core/src/tensor/tensor.ts': "import { sum } from '../ops/sum.js';\nexport const tensor = sum;\n",
    'core/src/tensor/own.ts': "export * from '@initlab/core';\n",
    'core/src/tensor/driver.ts': "import 'webgpu';\n",
    'core/src/tensor/path.ts': "export * from '../../../nn/src/index.js';\n",
    'core/src/tensor/within.ts': "export * from '@initlab/kernels/dist/plan.js';\n",
    'core/src/facts.ts': "export * from './gpu/device.js';\n",
    'nn/src/layers/all.ts': "export * from '../index.js';\n",
    // Circles: of files; of folders, file by file none; of a folder with what lies beside it.
    'nn/src/layers/a.ts': "import { b } from './b.js';\nexport const a = () => b;\n",
    'nn/src/layers/b.ts': "import type { a } from './a.js';\nexport type A = typeof a;\nexport const b = 1;\n",
    'kernels/src/gemm/a.ts': "import { b } from '../window/b.js';\nexport const a = () => b;\n",
    'kernels/src/gemm/tile.ts': 'export const tile = 1;\n',
    'kernels/src/window/b.ts': "import { tile } from '../gemm/tile.js';\nexport const b = tile;\n",
    'lab/src/run/folder.ts': "import { lock } from './lock/lock.js';\nexport const folder = lock;\n",
    'lab/src/run/place.ts': 'export const place = 1;\n',
    'lab/src/run/lock/lock.ts': "import { place } from '../place.js';\nexport const lock = place;\n",
  });
  expect(found).toEqual([
    'arrows-of-core: core/src/tensor/path.ts → nn/src/index.ts',
    'arrows-of-data: data/src/b.ts → @initlab/nn',
    'arrows-of-kernels: kernels/src/a.ts → @initlab/core',
    'arrows-of-models: models/src/c.ts → @initlab/kernels',
    'by-name: core/src/tensor/path.ts → nn/src/index.ts',
    'entry: core/src/tensor/own.ts → @initlab/core',
    'entry: nn/src/layers/all.ts → nn/src/index.ts',
    'file-cycle: nn/src/layers/a.ts → nn/src/layers/b.ts',
    'folder-cycle: kernels/src/gemm → kernels/src/window',
    'folder-cycle: kernels/src/window → kernels/src/gemm',
    'inside: core/src/tensor/within.ts → @initlab/kernels/dist/plan.js',
    'outwards: core/src/facts.ts → core/src/gpu/device.ts',
    'outwards: lab/src/run/lock/lock.ts → lab/src/run/place.ts',
    'rooms-of-core: core/src/tensor/tensor.ts → core/src/ops/sum.ts',
    'webgpu: core/src/tensor/driver.ts → webgpu',
  ]);
});

it.each([
  ['extra/src/a.ts', 'packages/extra: no arrows are known'],
  ['core/src/cellar/a.ts', 'packages/core/src/cellar: has no place among the rooms'],
])('%s is asked for its place in the picture', (file, message) => {
  const { stderr } = spawnSync(process.execPath, [rules], { cwd: tree({ [file]: '' }), encoding: 'utf8' });
  expect(stderr).toContain(message);
});

it('GPU objects stay in core/src/gpu', () => {
  const cwd = tree({
    'core/src/gpu/device.ts': 'export const usage = GPUBufferUsage.STORAGE;\n',
    'core/src/tensor.ts': 'export const t = (b: GPUBuffer) => b;\n',
    'lab/src/doctor.ts': 'export const gpu = globalThis.navigator.gpu;\n',
  });
  const { status, stderr } = spawnSync('sh', [gpuObjects], { cwd, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr.split('\n').map((line) => line.split(':')[0])).toEqual([
    'packages/core/src/tensor.ts',
    'packages/lab/src/doctor.ts',
    '',
    'GPU objects belong in packages/core/src/gpu/',
    '',
  ]);
});
