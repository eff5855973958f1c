import { fromHalf, toHalf } from '@initlab/core';
import { type MomentsProblem, planMoments, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** From the definition, in float64, in two passes. */
function reference(x: ArrayLike<number>, { shape, reduced, scale }: Omit<MomentsProblem, 'dtype'>) {
  const outputs = shape.reduce((n, d, i) => (reduced[i] ? n : n * d), 1);
  const count = sizeOf(shape) / outputs;
  const [mean, variance] = [new Float64Array(outputs), new Float64Array(outputs)];
  const resultOf = (i: number): number => {
    let [rest, at, stride] = [i, 0, 1];
    for (let d = shape.length - 1; d >= 0; d--) {
      const size = shape[d] as number;
      if (!reduced[d]) {
        at += (rest % size) * stride;
        stride *= size;
      }
      rest = Math.floor(rest / size);
    }
    return at;
  };
  for (let i = 0; i < x.length; i++) mean[resultOf(i)] = (mean[resultOf(i)] as number) + (x[i] as number) / count;
  for (let i = 0; i < x.length; i++) {
    const at = resultOf(i);
    variance[at] = (variance[at] as number) + ((x[i] as number) - (mean[at] as number)) ** 2 * scale;
  }
  return { mean, variance };
}

async function run(problem: MomentsProblem, x: ArrayBufferView, target: Target, raw = gpu) {
  const bytes = problem.shape.reduce((n, d, i) => (problem.reduced[i] ? n : n * d), 1) * 4;
  const got = await raw.run(planMoments(problem, target), { x0: x }, { mean: bytes, variance: bytes });
  return { mean: new Float32Array(got.mean as ArrayBuffer), variance: new Float32Array(got.variance as ArrayBuffer) };
}

const on = { kept: false, gone: true };
const cases: readonly { title: string; shape: readonly number[]; reduced: readonly boolean[] }[] = [
  { title: 'one element', shape: [1], reduced: [on.gone] },
  { title: 'nothing reduced', shape: [3, 5], reduced: [on.kept, on.kept] },
  { title: 'only sizes of 1 reduced', shape: [3, 1, 5], reduced: [on.kept, on.gone, on.kept] },
  { title: 'all of it', shape: [7, 11, 13], reduced: [on.gone, on.gone, on.gone] },
  { title: 'rows of a matrix', shape: [33, 129], reduced: [on.kept, on.gone] },
  { title: 'rows of a matrix, vectors', shape: [9, 1024], reduced: [on.kept, on.gone] },
  { title: 'columns of a matrix, odd', shape: [129, 33], reduced: [on.gone, on.kept] },
  { title: 'columns of a matrix, vectors', shape: [700, 12], reduced: [on.gone, on.kept] },
  { title: 'many columns', shape: [3, 5000], reduced: [on.gone, on.kept] },
  { title: 'channels of an image batch', shape: [4, 9, 7, 16], reduced: [on.gone, on.gone, on.gone, on.kept] },
  { title: 'positions of every image and channel', shape: [4, 9, 7, 6], reduced: [on.kept, on.gone, on.gone, on.kept] },
  { title: 'alternating dimensions', shape: [3, 4, 5, 6, 2], reduced: [on.gone, on.kept, on.gone, on.kept, on.gone] },
  { title: 'alternating dimensions, innermost kept', shape: [3, 4, 5, 8], reduced: [on.kept, on.gone, on.kept, on.kept] },
  { title: 'a long row', shape: [1, 100003], reduced: [on.gone, on.gone] },
  { title: 'two long columns', shape: [40001, 2], reduced: [on.gone, on.kept] },
  { title: 'four long columns', shape: [40001, 4], reduced: [on.gone, on.kept] },
];
const problemOf = (shape: readonly number[], reduced: readonly boolean[]): MomentsProblem => {
  const outputs = shape.reduce((n, d, i) => (reduced[i] ? n : n * d), 1);
  return { shape, reduced, dtype: 'f32', scale: outputs / sizeOf(shape) };
};

describe('mean and variance against float64', () => {
  for (const { title, shape, reduced } of cases)
    it(title, async () => {
      const problem = problemOf(shape, reduced);
      for (const shift of [0.2, 1e5, -1e6]) {
        // All values are exact in f32, so that float64 sees the same ones: beside 10⁶ eighths are left.
        const x = parityFill(sizeOf(shape), { seed: 21, scale: 4 }).map((v) => shift + Math.round(v * 8) / 8);
        const wanted = reference(x, problem);
        for (const software of [true, false]) {
          const got = await run(problem, x, { ...gpu.target, software, bake: !software });
          const where = `${software ? 'cpu' : 'gpu'}, mean ${shift}`;
          // A mean is rounded to f32 once.
          expect(differs(`mean, ${where}`, got.mean, wanted.mean, { absolute: 1e-6, relative: 2e-7 })).toBe('');
          // No digits are lost to the mean: f32 sums of some thousand squares.
          expect(differs(`variance, ${where}`, got.variance, wanted.variance, { absolute: 1e-6, relative: 2e-6 })).toBe('');
        }
      }
    });

  it('takes scalars from a uniform', async () => {
    const uniforms = await openRawGpu({ immediates: false });
    const problem = problemOf([3, 2000, 5], [false, true, false]);
    const x = parityFill(30000, { seed: 22 });
    expect(differs('variance', (await run(problem, x, uniforms.target, uniforms)).variance, reference(x, problem).variance)).toBe('');
  });

  it('half precision in, float32 out', async () => {
    // An adapter without f16 cannot run them; everywhere the kernels must ask for it.
    const halves: MomentsProblem = { ...problemOf([64], [true]), dtype: 'f16' };
    expect(planMoments(halves, gpu.target).dispatches[0]?.kernel.source()).toMatch(/^enable f16;/);
    if (!gpu.target.f16) return;
    for (const [shape, reduced] of [
      [
        [3000, 8],
        [true, false],
      ],
      [
        [6, 3001],
        [false, true],
      ],
    ] as const)
      for (const software of [true, false]) {
        const bits = Uint16Array.from(parityFill(sizeOf(shape), { seed: 23, scale: 6e4, shift: 100 }), toHalf);
        const problem: MomentsProblem = { ...problemOf(shape, reduced), dtype: 'f16' };
        const [got, wanted] = [
          await run(problem, bits, { ...gpu.target, software }),
          reference(Float32Array.from(bits, fromHalf), problem),
        ];
        // Squares far beyond f16's range.
        expect(differs('variance', got.variance, wanted.variance)).toBe('');
        expect(differs('mean', got.mean, wanted.mean)).toBe('');
      }
  });

  it('spreads over two dimensions of workgroups when one is too small', async () => {
    const problem = problemOf([3000, 3], [false, true]);
    const x = parityFill(9000, { seed: 24 });
    for (const software of [true, false]) {
      const got = await run(problem, x, { ...gpu.target, software, maxWorkgroups: 5 });
      expect(differs('variance', got.variance, reference(x, problem).variance)).toBe('');
    }
  });
});

describe('moments of extreme values', () => {
  it('a variance beyond f32 is infinite, as PyTorch has it, not NaN; NaN stays', async () => {
    for (const length of [4, 4096])
      for (const software of [true, false]) {
        const target = { ...gpu.target, software };
        const huge = Float32Array.from({ length }, (_, i) => (i % 2 ? -1e20 : 1e20));
        const got = await run(problemOf([length], [true]), huge, target);
        expect(got.variance[0]).toBe(Number.POSITIVE_INFINITY);
        // Beside values of 10²⁰: what f32 sums of thousands of them leave.
        expect(Math.abs(got.mean[0] as number)).toBeLessThan(1e15);
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
          const x = huge.map((v, i) => (i === length - 2 ? bad : v));
          expect((await run(problemOf([length], [true]), x, target)).variance[0]).toBeNaN();
        }
      }
  });

  it.each(cases.filter(({ shape }) => sizeOf(shape) > 1))('deviations that are no f32: $title', async ({ shape, reduced }) => {
    const problem = problemOf(shape, reduced);
    // Of both signs up to f32's maximum, and of magnitudes whose squares overflow where their mean does not.
    for (const scale of [3.4e38, 2e19]) {
      const x = Float32Array.from(parityFill(sizeOf(shape), { seed: 26 }), (v) => (v < -0.3 ? -scale : v * scale));
      const wanted = reference(x, problem);
      for (const software of [true, false]) {
        const got = await run(problem, x, { ...gpu.target, software, bake: !software });
        // f32 sums of up to a hundred thousand values, one after the other.
        const bound = { absolute: 0, relative: 1e-3 };
        expect(differs(`mean, ${software}`, got.mean, wanted.mean, bound)).toBe('');
        expect(differs(`variance, ${software}`, got.variance, Float32Array.from(wanted.variance), bound)).toBe('');
      }
    }
  });

  it('one far value among many, the first of all, costs the variance no more than f32 sums do', async () => {
    const x = parityFill(65536, { seed: 25 }).map((v, i) => (i === 0 ? 1e4 : v));
    const problem = problemOf([65536], [true]);
    for (const software of [true, false]) {
      const got = await run(problem, x, { ...gpu.target, software });
      expect(differs('variance', got.variance, reference(x, problem).variance)).toBe('');
    }
  });

  it('a constant has the variance 0 and its own mean', async () => {
    for (const value of [0, 1e-20, 3.3, 1e6, 1e30])
      for (const software of [true, false]) {
        const got = await run(problemOf([1000, 3], [true, false]), new Float32Array(3000).fill(value), { ...gpu.target, software });
        expect([...got.variance]).toEqual([0, 0, 0]);
        expect([...got.mean]).toEqual(new Array(3).fill(Math.fround(value)));
      }
  });
});
