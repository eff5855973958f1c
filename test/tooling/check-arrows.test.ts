import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/check-arrows.mjs', import.meta.url));
const made: string[] = [];

/** Runs the check on a tree of files given as path → text. */
function check(files: Record<string, string>): { status: number | null; problems: string[] } {
  const root = mkdtempSync(path.join(tmpdir(), 'arrows-'));
  made.push(root);
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, 'packages', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  return { status, problems: stderr.split('\n').filter((line) => line !== '' && !line.startsWith('check-arrows:')) };
}

afterEach(() => {
  for (const root of made.splice(0)) rmSync(root, { recursive: true, force: true });
});

describe('check-arrows', () => {
  it('accepts imports along the arrows and GPU objects in their room', () => {
    const { status, problems } = check({
      'kernels/src/plan.ts': 'export const wgsl = `// GPUBuffer and import from "@initlab/nn" in text are nobody\'s business`;\n',
      'core/src/gpu/device.ts': "import { create } from 'webgpu';\nexport const usage = GPUBufferUsage.STORAGE;\nexport { create };\n",
      'core/src/index.ts': "export { wgsl } from '@initlab/kernels';\nexport { usage } from './gpu/device.js';\n",
      'nn/src/index.ts': "import type { wgsl } from '@initlab/core';\nexport type Wgsl = typeof wgsl;\n",
      'lab/src/index.ts': "export * from '@initlab/data';\nexport * from '@initlab/models';\n",
    });
    expect(problems).toEqual([]);
    expect(status).toBe(0);
  });

  it('rejects an import against the arrows, of types too', () => {
    const { status, problems } = check({
      'kernels/src/a.ts': "import type { Tensor } from '@initlab/core';\nexport type T = Tensor;\n",
      'data/src/b.ts': "export const load = () => import('@initlab/nn');\n",
      'models/src/c.ts': "export type K = import('@initlab/kernels').Plan;\n",
    });
    expect(status).toBe(1);
    expect(problems).toEqual([
      "packages/data/src/b.ts:1: imports '@initlab/nn'; data may import core",
      "packages/kernels/src/a.ts:1: imports '@initlab/core'; kernels may import no other package",
      "packages/models/src/c.ts:1: imports '@initlab/kernels'; models may import nn, core",
    ]);
  });

  it('rejects relative paths out of a package, a package by its own name, and its inside', () => {
    const { problems } = check({
      'core/src/a.ts': "export * from '../../kernels/src/plan.js';\n",
      'core/src/b.ts': "export * from '@initlab/core';\n",
      'core/src/c.ts': "export * from '@initlab/kernels/dist/plan.js';\n",
    });
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain('a path out of its package');
    expect(problems[1]).toContain('its own package');
    expect(problems[2]).toContain("a package's inside");
  });

  it('reports import cycles with their files', () => {
    const { problems } = check({
      'nn/src/a.ts': "import { b } from './b.js';\nexport const a = () => b;\n",
      'nn/src/b.ts': "export * from './deep/index.js';\nexport const b = 1;\n",
      'nn/src/deep/index.ts': "import type { a } from '../a.js';\nexport type A = typeof a;\n",
      'nn/src/outside.ts': "export * from './a.js';\n",
    });
    expect(problems).toEqual([
      'import cycle: packages/nn/src/a.ts -> packages/nn/src/b.ts -> packages/nn/src/deep/index.ts -> packages/nn/src/a.ts',
    ]);
  });

  it('reports folders of kernels that import each other in a circle, file by file or not', () => {
    const { problems } = check({
      'kernels/src/index.ts': "export * from './gemm/a.js';\n",
      'kernels/src/kernel.ts': 'export const k = 1;\n',
      'kernels/src/gemm/a.ts': "import { b } from '../window/b.js';\nimport { k } from '../kernel.js';\nexport const a = () => b + k;\n",
      'kernels/src/gemm/tile.ts': 'export const tile = 1;\n',
      'kernels/src/window/b.ts': "import { tile } from '../gemm/tile.js';\nexport const b = tile;\n",
    });
    expect(problems).toEqual(['folder cycle: packages/kernels/src/gemm -> packages/kernels/src/window -> packages/kernels/src/gemm']);
  });

  it('keeps GPU objects and the webgpu package in core/src/gpu', () => {
    const { problems } = check({
      'core/src/tensor.ts': 'export const t = (b: GPUBuffer) => b;\n',
      'lab/src/doctor.ts': "import 'webgpu';\nexport const gpu = globalThis.navigator.gpu;\n",
      'nn/src/layer.ts': 'export const mode = GPUMapMode.READ;\n',
    });
    expect(problems.map((p) => p.replace(/ belongs.*/, ''))).toEqual([
      'packages/core/src/tensor.ts:1: GPUBuffer',
      'packages/lab/src/doctor.ts:2: navigator.gpu',
      "packages/lab/src/doctor.ts:1: imports 'webgpu', which",
      'packages/nn/src/layer.ts:1: GPUMapMode',
    ]);
  });

  it('rejects default exports and files over 300 lines', () => {
    const { problems } = check({
      'nn/src/a.ts': 'export default class Layer {}\n',
      'nn/src/b.ts': 'const b = 1;\nexport default b;\n',
      'nn/src/c.ts': 'const c = 1;\nexport { c as default };\n',
      'nn/src/long.ts': 'export {};\n'.repeat(301),
      'nn/src/switch.ts': 'export const f = (x: number) => {\n  switch (x) {\n    default:\n      return 1;\n  }\n};\n',
    });
    expect(problems).toEqual([
      'packages/nn/src/a.ts:1: default export; export it by name',
      'packages/nn/src/b.ts:2: default export; export it by name',
      'packages/nn/src/c.ts:2: default export; export it by name',
      'packages/nn/src/long.ts: 301 lines; split it (300 at most)',
    ]);
  });

  it('asks for the arrows of an unknown package', () => {
    expect(check({ 'extra/src/a.ts': 'export {};\n' }).problems[0]).toContain('no arrows are known');
  });
});
