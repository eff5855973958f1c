import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { batchNorm, compile, conv2d, type Device, matmul, openDevice, tensor } from '@initlab/core';
import type { TunableNode } from '@initlab/core/internal';
import { type Conv2dPlan, conv2dTunable, planConv2d, type Tunable, tunableOf } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectProblems, readTuned, tuneProblem, variantsOf, writeTuned } from '../../packages/lab/src/tune/index.js';
import { initlab } from '../support/cli.js';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { temporaryFolder } from './fixtures.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
const folder = temporaryFolder();

/** The one tunable op of a small compiled function. */
function convolution(on: Device = device): TunableNode {
  const x = tensor(parityFill(2 * 8 * 36, { seed: 1 }), { shape: [2, 8, 6, 6], format: 'channelsLast', device: on });
  const weight = tensor(parityFill(8 * 8 * 9, { seed: 2 }), { shape: [8, 8, 3, 3], device: on });
  const step = compile(() => conv2d(x, weight, { padding: 1 }), { device: on });
  const [node] = step.tunables();
  return node as TunableNode;
}
const soon = (): { deadline: number } => ({ deadline: performance.now() + 60_000 });

describe('the tuner', () => {
  it('refuses candidates that are wrong or do not compile, however fast, and takes the fastest right one', async () => {
    const node = convolution();
    const problem: Tunable = {
      ...tunableOf(node.problem),
      candidates: (target) => {
        const [first] = node.problem.candidates(target);
        const right = (first as () => ReturnType<Tunable['reference']>)();
        const broken = right.dispatches.map((d) => ({
          ...d,
          kernel: { ...d.kernel, name: `${d.kernel.name}-broken`, source: () => 'not WGSL' },
        }));
        return [
          () => ({ ...right, variant: 'does-nothing', dispatches: [] }),
          () => ({ ...right, variant: 'broken', dispatches: broken }),
          () => right,
          () => tunableOf(node.problem).reference(target),
        ];
      },
    };
    const found = await tuneProblem(device, { ...node, problem }, soon());
    expect(found?.refused.map((r) => r.variant)).toEqual(['does-nothing', 'broken']);
    expect(found?.tried).toBe(2);
    expect(found?.complete).toBe(true);
    expect([node.variant, 'conv2d-forward-direct']).toContain(found?.best.variant);
  }, 300_000);

  it('refuses candidates whose epilogue leaves wrong sums', async () => {
    // As a GPU plans it, small tiles only.
    const on = await openDevice({ target: { software: false, rolled: true, maxWorkgroupStorage: 10240 } });
    const x = tensor(parityFill(3 * 8 * 100, { seed: 1 }), { shape: [3, 8, 10, 10], format: 'channelsLast', device: on });
    const weight = tensor(parityFill(8 * 8 * 9, { seed: 2 }), { shape: [8, 8, 3, 3], device: on });
    const step = compile(() => batchNorm(conv2d(x, weight, { padding: 1 }), { training: true }), { device: on });
    const [node] = step.tunables() as [TunableNode];
    expect(Object.keys(node.outputs)).toHaveLength(2);
    const problem: Tunable = {
      ...tunableOf(node.problem),
      candidates: (target) => {
        const right = node.problem.candidates(target);
        const [plan] = right.map((make) => make()) as [Conv2dPlan];
        const { count, rows } = plan.parts as { count: number; rows: number };
        return [() => ({ ...plan, variant: 'other parts', parts: { count, rows: rows * 2 } }), ...right];
      },
    };
    const found = await tuneProblem(on, { ...node, problem }, soon());
    expect(found?.refused).toMatchObject([{ variant: 'other parts', reason: expect.stringMatching(/^total/) }]);
    expect(found?.tried).toBeGreaterThan(1);
    on.close();
  }, 300_000);

  it('looks at one candidate at least, and says when it did not see all', async () => {
    const found = await tuneProblem(device, convolution(), { deadline: 0 });
    expect(found).toMatchObject({ tried: 1, complete: false, best: { variant: convolution().variant } });
  });

  it('a tuned table decides, on one device and for that problem alone; names that no longer exist are passed over', async () => {
    const { key } = convolution().problem;
    const other = await openDevice({ tuned: { [key]: 'conv2d-forward-direct', 'conv2d forward f32 gone': 'x' } });
    expect(convolution(other).variant).toBe('conv2d-forward-direct');
    expect(convolution().variant).not.toBe('conv2d-forward-direct');
    const stale = await openDevice({ tuned: async () => ({ [key]: 'conv2d-forward-of-last-year' }) });
    expect(convolution(stale).variant).toBe(convolution().variant);
    const [x, w] = [parityFill(64, { seed: 1 }), parityFill(64, { seed: 2 })];
    const values = [other, device].map((on) => {
      const [a, b] = [tensor(x, { shape: [8, 8], device: on }), tensor(w, { shape: [8, 8], device: on })];
      return matmul(a, b).read();
    });
    const [got, expected] = await Promise.all(values);
    expect(differs('untuned', got as Float32Array, expected as Float32Array)).toBe('');
    other.close();
    stale.close();
  });

  it('finds the problems of models, each once, the costliest first', () => {
    const problems = collectProblems(device, [
      { model: 'resnet8', batch: 4 },
      { model: 'resnet8', batch: 4 },
    ]);
    const keys = problems.map(({ node }) => node.problem.key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).toContain('conv2d gradWeight f32 4×16×32² →16 3×3 s1×1 p1×1');
    const costs = problems.map(({ node, count }) => count * node.problem.flops);
    expect(costs).toEqual([...costs].sort((a, b) => b - a));
    expect(problems.every(({ count }) => count % 2 === 0)).toBe(true);
  });

  it('finds those of the single convolutions that are timed', () => {
    const keys = collectProblems(device, [{ model: 'conv2d', batch: 2, precision: 'mixed' }]).map(({ node }) => node.problem.key);
    expect(keys).toHaveLength(30);
    expect(keys).toContain('conv2d gradInput f16-wf32 2×64×32² →256 1×1 s1×1 p0×0');
  });

  it('keys tell problems apart', () => {
    const base = {
      batch: 1,
      inChannels: 4,
      inHeight: 8,
      inWidth: 8,
      outChannels: 4,
      kernelHeight: 3,
      kernelWidth: 3,
      stride: [1, 1],
      padding: [1, 1],
      dilation: [1, 1],
      groups: 1,
      dtype: 'f32',
      bias: false,
    } as const;
    const changes = { batch: 2, inChannels: 8, inHeight: 9, inWidth: 9, outChannels: 8, kernelHeight: 1, kernelWidth: 1, stride: [2, 1] };
    const more = { padding: [0, 1], dilation: [2, 1], groups: 2, dtype: 'f16', bias: true };
    const keys = [{}, ...Object.entries({ ...changes, ...more }).map(([k, v]) => ({ [k]: v }))].map(
      (change) => conv2dTunable({ ...base, ...change } as typeof base, 'forward').key,
    );
    expect(new Set(keys).size).toBe(keys.length);
    // Plans are kept by target and key.
    expect(planConv2d(base, 'forward', device.target)).toBe(planConv2d({ ...base }, 'forward', device.target));
  });

  it('files: what was written is read, for its own adapter only', async () => {
    const file = path.join(folder, 'deep', 'tuned.json');
    const problems = { a: { best: { variant: 'fast', ms: 1 }, guess: { variant: 'slow', ms: 2 }, tried: 3 } };
    await writeTuned(file, { adapter: 'this one', problems });
    expect(await readTuned(file, 'this one')).toEqual(problems);
    expect(variantsOf(problems)).toEqual({ a: 'fast' });
    expect(await readTuned(file, 'another')).toEqual({});
    expect(await readTuned(path.join(folder, 'none.json'), 'x')).toEqual({});
    await writeFile(file, '{"adapter": "this one", "probl');
    await expect(readTuned(file, 'this one')).rejects.toThrow(/tuned\.json.*initlab tune/);
  });

  it('the command goes on where the budget ended it', async () => {
    const file = path.join(folder, 'command.json');
    // Each candidate is a kernel of its own: most of the time would be LLVM's optimisations.
    const env = { ...process.env, GALLIVM_PERF: 'nopt' };
    const run = () => initlab(['tune', '--models', 'mlp2-16', '--batch', '2', '--budget', '5s', '--out', file, '--json'], { env });
    /** Runs until `enough`: where the driver's cache is empty and the machine busy, a budget can pass in its compiler. */
    const runUntil = async (enough: (result: { measured: number; left: number; problems: number }) => boolean) => {
      for (let tries = 1; ; tries++) {
        const result = JSON.parse((await run()).stdout);
        if (enough(result) || tries === 6) return result;
      }
    };
    const first = await runUntil(({ measured }) => measured > 0);
    expect(first.measured).toBeGreaterThan(0);
    expect(first.problems).toBe(first.measured + first.left);
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')).problems)).toHaveLength(first.measured);
    const second = await runUntil(({ left }) => left < Math.max(1, first.left));
    expect(second.left).toBeLessThan(Math.max(1, first.left));
  }, 300_000);
});
