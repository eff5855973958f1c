import { fromHalf, toHalf } from '@initlab/core';
import { type NormProblem, type Plan, planNormApply, planNormGrad, planNormStats, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs, parityBound } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { referenceNorm } from './norm-reference.js';

let gpu: RawGpu;
let uniforms: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
  uniforms = await openRawGpu({ immediates: false });
});

interface Case {
  readonly title: string;
  readonly problem: Partial<NormProblem> & { readonly channels: number };
  readonly shift?: number;
  /** Of the values; default 2. */
  readonly scale?: number;
  readonly fixed?: boolean;
  readonly bound?: Bound;
}
// Inputs of mean 1000 leave float32 four digits of each deviation.
const offset: Bound = { absolute: 1e-6, relative: 2e-3 };
// Whatever the size of the values is.
const relative: Bound = { absolute: 0, relative: 1e-4 };
// One rounding to half of each result.
const half: Bound = { absolute: 1e-6, relative: 1e-3 };
const batch = (rows: number, channels: number, more: Partial<NormProblem> = {}): Case['problem'] => ({
  rows,
  channels,
  groups: channels,
  ...more,
});
const grouped = (segments: number, rows: number, channels: number, groups: number, more: Partial<NormProblem> = {}): Case['problem'] => ({
  segments,
  rows,
  channels,
  groups,
  ...more,
});

const cases: readonly Case[] = [
  { title: 'batch norm, vectors of channels', problem: batch(200, 16) },
  { title: 'batch norm, one channel', problem: batch(77, 1) },
  { title: 'batch norm, odd channels', problem: batch(45, 33) },
  { title: 'batch norm, more channels than a tile, not affine', problem: batch(9, 513, { affine: false }) },
  { title: 'batch norm, wide vectors over several tiles', problem: batch(70, 272) },
  { title: 'batch norm, many rows', problem: batch(5003, 8) },
  { title: 'batch norm, two values per channel', problem: batch(2, 5) },
  { title: 'batch norm, mean 1000', problem: batch(3001, 4), shift: 1000, bound: offset },
  { title: 'batch norm, ReLU', problem: batch(300, 12, { activation: 'relu' }) },
  { title: 'batch norm, residual and ReLU', problem: batch(300, 12, { activation: 'relu', residual: true }) },
  { title: 'batch norm, ReLU6, odd channels', problem: batch(300, 7, { activation: 'relu6', residual: true }) },
  { title: 'batch norm, residual only', problem: batch(50, 20, { residual: true }) },
  { title: 'fixed statistics', problem: batch(60, 12), fixed: true },
  {
    title: 'fixed statistics, residual and ReLU, not affine',
    problem: batch(60, 6, { affine: false, activation: 'relu', residual: true }),
    fixed: true,
  },
  { title: 'group norm, groups of whole vectors', problem: grouped(3, 49, 32, 4) },
  { title: 'group norm, groups across vectors', problem: grouped(3, 49, 12, 2) },
  { title: 'group norm, odd groups', problem: grouped(2, 25, 33, 3) },
  { title: 'group norm, mean 1000', problem: grouped(4, 600, 8, 2), shift: 1000, bound: offset },
  { title: 'group norm, ReLU and residual', problem: grouped(2, 36, 16, 4, { activation: 'relu', residual: true }) },
  { title: 'group norm, another gradient added', problem: grouped(3, 49, 12, 2, { addend: true }) },
  { title: 'batch norm, another gradient added', problem: batch(130, 8, { addend: true }) },
  { title: 'instance norm', problem: grouped(5, 64, 8, 8) },
  { title: 'layer norm of images, not affine', problem: grouped(4, 35, 24, 1, { affine: false }) },
  { title: 'layer norm of rows, not affine', problem: grouped(70, 1, 513, 1, { affine: false }) },
  { title: 'layer norm of rows, affine', problem: grouped(40, 1, 96, 1) },
  { title: 'layer norm of one long segment', problem: grouped(1, 6000, 4, 1, { affine: false }) },
  { title: 'one element', problem: grouped(1, 1, 1, 1) },
  { title: 'batch norm, squares beyond f32', problem: batch(200, 16), scale: 1e20, bound: relative },
  { title: 'batch norm, odd channels, squares far beyond f32', problem: batch(77, 5), scale: 1e30, shift: 2e30, bound: relative },
  { title: 'batch norm, squares whose sum is beyond f32', problem: batch(3000, 8), scale: 3e17, shift: 1e18, bound: relative },
  { title: 'group norm, squares beyond f32', problem: grouped(3, 49, 12, 2), scale: 1e20, bound: relative },
  { title: 'layer norm of images, squares beyond f32', problem: grouped(2, 36, 64, 1, { affine: false }), scale: 1e20, bound: relative },
  { title: 'instance norm, tiny values', problem: grouped(2, 30, 8, 8), scale: 1e-20, bound: relative },
  { title: 'many segments', problem: grouped(3000, 2, 4, 2) },
];

function complete(problem: Case['problem']): NormProblem {
  return { segments: 1, rows: 1, groups: 1, eps: 1e-5, dtype: 'f32', affine: true, ...problem };
}

/** Runs forward and backward of a case on a machine and says what is wrong. */
async function check(
  { problem: given, shift = 0.7, scale = 2, fixed = false, bound = parityBound }: Case,
  raw: RawGpu,
  target: Target,
): Promise<string[]> {
  const problem = complete(given);
  const f16 = problem.dtype === 'f16';
  const size = problem.segments * problem.rows * problem.channels;
  const made = (count: number, seed: number, scale: number, at = 0) => parityFill(count, { seed, scale, shift: at });
  const rounded = (data: Float32Array): Float32Array<ArrayBuffer> =>
    f16 ? Float32Array.from(data, (v) => fromHalf(toHalf(v))) : new Float32Array(data);
  const stored = (data: Float32Array) => (f16 ? Uint16Array.from(data, toHalf) : data);
  const x = rounded(made(size, 11, scale, shift));
  const dy = rounded(made(size, 12, 1));
  const addend = problem.addend ? rounded(made(size, 18, 1.2)) : undefined;
  const residual = problem.residual ? rounded(made(size, 13, 1.5)) : undefined;
  const weight = problem.affine ? made(problem.channels, 14, 0.5, 1) : undefined;
  const bias = problem.affine ? made(problem.channels, 15, 0.5) : undefined;
  const statistics = problem.segments * problem.groups;
  const given_ = fixed ? { mean: made(statistics, 16, 0.5, shift), rstd: made(statistics, 17, 0.3, 1) } : undefined;
  const wanted = referenceNorm(problem, { x, weight, bias, residual, dy, fixed: given_ });
  if (addend) wanted.dx = wanted.dx.map((v, i) => v + (addend[i] as number));
  const bytes = size * (f16 ? 2 : 4);
  const values = (buffer: ArrayBuffer | undefined, wide = false): ArrayLike<number> =>
    f16 && !wide ? Float32Array.from(new Uint16Array(buffer as ArrayBuffer), fromHalf) : new Float32Array(buffer as ArrayBuffer);
  const wrong: string[] = [];
  const compare = (name: keyof typeof wanted, got: ArrayLike<number>): void => {
    const found = differs(name, got, wanted[name], bound);
    if (found) wrong.push(found);
  };

  let [mean, rstd] = [given_?.mean, given_?.rstd];
  if (!mean || !rstd) {
    const stats = await raw.run(planNormStats(problem, target), { x: stored(x) }, { mean: statistics * 4, rstd: statistics * 4 });
    [mean, rstd] = [new Float32Array(stats.mean as ArrayBuffer), new Float32Array(stats.rstd as ArrayBuffer)];
    compare('mean', mean);
    compare('rstd', rstd);
  }
  const operands = {
    x: stored(x),
    mean,
    rstd,
    ...(weight && bias ? { weight, bias } : {}),
    ...(residual ? { residual: stored(residual) } : {}),
  };
  const { y } = await raw.run(planNormApply(problem, target), operands, { y: bytes });
  compare('y', values(y));
  const grads = await raw.run(
    planNormGrad(problem, target, fixed),
    {
      dy: stored(dy),
      ...operands,
      ...(problem.activation ? { y: stored(Float32Array.from(values(y))) } : {}),
      ...(addend ? { addend: stored(addend) } : {}),
    },
    {
      dx: bytes,
      ...(weight ? { dweight: problem.channels * 4, dbias: problem.channels * 4 } : {}),
      ...(residual ? { dresidual: bytes } : {}),
    },
  );
  compare('dx', values(grads.dx));
  if (weight) {
    compare('dweight', values(grads.dweight, true));
    compare('dbias', values(grads.dbias, true));
  }
  if (residual) compare('dresidual', values(grads.dresidual));
  return wrong;
}

describe('normalisation, forward and backward, against float64', () => {
  for (const one of cases) {
    it(`${one.title}, on a CPU driver`, async () => {
      expect(await check(one, gpu, { ...gpu.target, software: true })).toEqual([]);
    });
    it(`${one.title}, as a GPU runs it, constants baked in`, async () => {
      expect(await check(one, gpu, { ...gpu.target, software: false, bake: true })).toEqual([]);
    });
  }

  it('takes scalars from a uniform', async () => {
    const one: Case = { title: '', problem: grouped(3, 40, 24, 6, { activation: 'relu' }) };
    expect(await check(one, uniforms, uniforms.target)).toEqual([]);
  });

  it('half-precision activations with float32 statistics', async () => {
    // An adapter without f16 cannot run them; everywhere the kernels must ask for it.
    const kernel = planNormApply(complete(batch(130, 8, { dtype: 'f16' })), gpu.target).dispatches[0]?.kernel;
    expect(kernel?.source()).toMatch(/^enable f16;/);
    if (!gpu.target.f16) return;
    for (const channels of [8, 5])
      for (const software of [true, false]) {
        const problem = batch(130, channels, { dtype: 'f16', activation: 'relu', residual: true });
        expect(await check({ title: '', problem, bound: half }, gpu, { ...gpu.target, software })).toEqual([]);
      }
  });

  it('spreads over two dimensions of workgroups when one is too small', async () => {
    const one: Case = { title: '', problem: grouped(300, 3, 4, 2, { activation: 'relu' }) };
    for (const software of [true, false]) expect(await check(one, gpu, { ...gpu.target, software, maxWorkgroups: 7 })).toEqual([]);
  });
});

describe('running statistics', () => {
  it('move by momentum, with the unbiased variance', async () => {
    for (const software of [true, false]) {
      const problem = complete(batch(90, 6));
      const x = parityFill(540, { seed: 5, scale: 2, shift: 3 });
      const running = { runningMean: new Float32Array(6).fill(0.25), runningVar: new Float32Array(6).fill(1.5) };
      const plan: Plan = planNormStats(problem, { ...gpu.target, software }, { momentum: 0.1 });
      const got = await gpu.run(plan, { x, ...running }, { mean: 24, rstd: 24, runningMean: 24, runningVar: 24 });
      const { mean, variance } = referenceNorm(problem, { x, dy: x });
      expect(
        differs(
          'runningMean',
          new Float32Array(got.runningMean as ArrayBuffer),
          mean.map((m) => 0.9 * 0.25 + 0.1 * m),
        ),
      ).toBe('');
      expect(
        differs(
          'runningVar',
          new Float32Array(got.runningVar as ArrayBuffer),
          variance.map((v) => 0.9 * 1.5 + (0.1 * v * 90) / 89),
        ),
      ).toBe('');
    }
  });
});

describe('not a number', () => {
  it('reaches statistics, results through ReLU, and gradients', async () => {
    for (const software of [true, false]) {
      const target = { ...gpu.target, software };
      const problem = complete(batch(40, 4, { activation: 'relu' }));
      const x = parityFill(160, { seed: 6 });
      x[81] = Number.NaN;
      const stats = await gpu.run(planNormStats(problem, target), { x }, { mean: 16, rstd: 16 });
      const mean = new Float32Array(stats.mean as ArrayBuffer);
      const rstd = new Float32Array(stats.rstd as ArrayBuffer);
      expect([...mean].map(Number.isNaN)).toEqual([false, true, false, false]);
      expect([...rstd].map(Number.isNaN)).toEqual([false, true, false, false]);
      const operands = { x, mean, rstd, weight: new Float32Array(4).fill(1), bias: new Float32Array(4) };
      const { y } = await gpu.run(planNormApply(problem, target), operands, { y: 640 });
      const values = new Float32Array(y as ArrayBuffer);
      expect([...values].filter(Number.isNaN)).toHaveLength(40);
      const dy = new Float32Array(160).fill(1);
      const { dx } = await gpu.run(planNormGrad(problem, target), { dy, ...operands, y: values }, { dx: 640, dweight: 16, dbias: 16 });
      expect([...new Float32Array(dx as ArrayBuffer)].filter(Number.isNaN)).toHaveLength(40);
    }
  });
});

describe('values whose squares are beyond f32', () => {
  it('NaN and infinity among them stay what they are, and channels beside them are normalised', async () => {
    for (const software of [true, false])
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const problem = complete(batch(40, 4));
        const x = parityFill(160, { seed: 6, scale: 1e25 });
        x[81] = bad;
        const stats = await gpu.run(planNormStats(problem, { ...gpu.target, software }), { x }, { mean: 16, rstd: 16 });
        const rstd = [...new Float32Array(stats.rstd as ArrayBuffer)];
        expect(rstd.map(Number.isFinite)).toEqual([true, false, true, true]);
        const wanted = referenceNorm(problem, { x: x.map((v) => (Number.isFinite(v) ? v : 0)), dy: x });
        for (const c of [0, 2, 3]) expect((rstd[c] as number) / (wanted.rstd[c] as number)).toBeCloseTo(1, 5);
      }
  });

  it('a running variance beyond f32 is infinite, and the running mean is moved', async () => {
    for (const software of [true, false]) {
      const x = parityFill(540, { seed: 5, scale: 1e22 });
      const problem = complete(batch(90, 6));
      const running = { runningMean: new Float32Array(6), runningVar: new Float32Array(6).fill(1) };
      const plan = planNormStats(problem, { ...gpu.target, software }, { momentum: 0.1 });
      const got = await gpu.run(plan, { x, ...running }, { mean: 24, rstd: 24, runningMean: 24, runningVar: 24 });
      expect([...new Float32Array(got.runningVar as ArrayBuffer)]).toEqual(new Array(6).fill(Number.POSITIVE_INFINITY));
      const { mean } = referenceNorm(problem, { x, dy: x });
      expect(
        differs(
          'runningMean',
          new Float32Array(got.runningMean as ArrayBuffer),
          mean.map((m) => 0.1 * m),
          relative,
        ),
      ).toBe('');
      // It stays so, as PyTorch's does, when the values come back.
      const later = { runningMean: new Float32Array(6), runningVar: new Float32Array(6).fill(Number.POSITIVE_INFINITY) };
      const small = parityFill(540, { seed: 5 });
      const next = await gpu.run(plan, { x: small, ...later }, { mean: 24, rstd: 24, runningMean: 24, runningVar: 24 });
      expect([...new Float32Array(next.runningVar as ArrayBuffer)]).toEqual(new Array(6).fill(Number.POSITIVE_INFINITY));
    }
  });
});

describe('the order of summation', () => {
  it('is fixed: the same bits every time', async () => {
    for (const software of [true, false]) {
      const problem = complete(batch(4000, 6));
      const x = parityFill(24000, { seed: 8, shift: 0.3 });
      const plan = planNormStats(problem, { ...gpu.target, software });
      const runs = [];
      for (let i = 0; i < 3; i++)
        runs.push(new Uint32Array((await gpu.run(plan, { x }, { mean: 24, rstd: 24 })).rstd as ArrayBuffer).join());
      expect(new Set(runs).size).toBe(1);
    }
  });
});
