import { fromHalf, toHalf } from '@initlab/core';
import { type PointwiseChain, planChainReduce, planReduce, type ReduceKind, type ReduceProblem, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs, parityBound } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** From the definition, in float64. */
function reference(x: ArrayLike<number>, { kind, shape, reduced, scale = 1 }: Omit<ReduceProblem, 'dtype'>): Float64Array {
  const outputs = shape.reduce((n, d, i) => (reduced[i] ? n : n * d), 1);
  const y = new Float64Array(outputs).fill(kind === 'sum' ? 0 : kind === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  for (let i = 0; i < x.length; i++) {
    let rest = i;
    let at = 0;
    let stride = 1;
    for (let d = shape.length - 1; d >= 0; d--) {
      const size = shape[d] as number;
      if (!reduced[d]) {
        at += (rest % size) * stride;
        stride *= size;
      }
      rest = Math.floor(rest / size);
    }
    const [a, b] = [y[at] as number, x[i] as number];
    y[at] = kind === 'sum' ? a + b : kind === 'max' ? Math.max(a, b) : Math.min(a, b);
  }
  return y.map((v) => v * scale);
}

async function run(problem: ReduceProblem, x: Float32Array<ArrayBuffer>, target: Target, raw = gpu): Promise<Float32Array> {
  const outputs = problem.shape.reduce((n, d, i) => (problem.reduced[i] ? n : n * d), 1);
  const { y0: y } = await raw.run(planReduce(problem, target), { x0: x }, { y0: outputs * 4 });
  return new Float32Array(y as ArrayBuffer);
}

const on = { kept: false, gone: true };
const cases: readonly { title: string; shape: readonly number[]; reduced: readonly boolean[] }[] = [
  { title: 'one element', shape: [1], reduced: [on.gone] },
  { title: 'nothing reduced', shape: [3, 5], reduced: [on.kept, on.kept] },
  { title: 'only sizes of 1 reduced', shape: [3, 1, 5], reduced: [on.kept, on.gone, on.kept] },
  { title: 'all of it', shape: [7, 11, 13], reduced: [on.gone, on.gone, on.gone] },
  { title: 'rows of a matrix', shape: [33, 129], reduced: [on.kept, on.gone] },
  { title: 'columns of a matrix, odd', shape: [129, 33], reduced: [on.gone, on.kept] },
  { title: 'columns of a matrix, vectors', shape: [700, 12], reduced: [on.gone, on.kept] },
  { title: 'one column', shape: [5000, 1], reduced: [on.gone, on.kept] },
  { title: 'many columns', shape: [3, 5000], reduced: [on.gone, on.kept] },
  { title: 'channels of an image batch', shape: [4, 9, 7, 16], reduced: [on.gone, on.gone, on.gone, on.kept] },
  { title: 'positions of every image and channel', shape: [4, 9, 7, 6], reduced: [on.kept, on.gone, on.gone, on.kept] },
  { title: 'images and channels, positions kept', shape: [4, 9, 7, 6], reduced: [on.gone, on.kept, on.kept, on.gone] },
  { title: 'alternating dimensions', shape: [3, 4, 5, 6, 2], reduced: [on.gone, on.kept, on.gone, on.kept, on.gone] },
  { title: 'alternating dimensions, innermost kept', shape: [3, 4, 5, 8], reduced: [on.kept, on.gone, on.kept, on.kept] },
  { title: 'a long row', shape: [1, 100003], reduced: [on.gone, on.gone] },
  { title: 'two long columns', shape: [40001, 2], reduced: [on.gone, on.kept] },
  { title: 'four long columns', shape: [40001, 4], reduced: [on.gone, on.kept] },
];

describe('reductions against float64', () => {
  for (const { title, shape, reduced } of cases)
    it(title, async () => {
      const x = parityFill(sizeOf(shape), { seed: 21, shift: 0.2 });
      for (const kind of ['sum', 'max', 'min'] as const)
        for (const software of [true, false]) {
          const problem: ReduceProblem = { kind, shape, reduced, dtype: 'f32', scale: kind === 'sum' ? 0.5 : 1 };
          const got = await run(problem, x, { ...gpu.target, software, bake: !software });
          expect(differs(`${kind} ${software ? 'cpu' : 'gpu'}`, got, reference(x, problem))).toBe('');
        }
    });

  it('takes scalars from a uniform', async () => {
    const uniforms = await openRawGpu({ immediates: false });
    const problem: ReduceProblem = { kind: 'sum', shape: [3, 2000, 5], reduced: [false, true, false], dtype: 'f32' };
    const x = parityFill(30000, { seed: 22 });
    expect(differs('sum', await run(problem, x, uniforms.target, uniforms), reference(x, problem))).toBe('');
  });

  it('half precision in and out, summed in float32', async () => {
    // One rounding of the result to half.
    const bound: Bound = { absolute: 1e-6, relative: 1e-3 };
    // An adapter without f16 cannot run them; everywhere the kernels must ask for it.
    const halves = planReduce({ kind: 'sum', shape: [64], reduced: [true], dtype: 'f16' }, gpu.target);
    expect(halves.dispatches[0]?.kernel.source()).toMatch(/^enable f16;/);
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
        const bits = Uint16Array.from(parityFill(sizeOf(shape), { seed: 23, shift: 0.1 }), toHalf);
        const x = Float32Array.from(bits, fromHalf);
        const problem: ReduceProblem = { kind: 'sum', shape, reduced, dtype: 'f16', scale: 1 / 3000 };
        const wanted = reference(x, problem);
        const { y0: y } = await gpu.run(planReduce(problem, { ...gpu.target, software }), { x0: bits }, { y0: wanted.length * 2 });
        expect(differs('sum', Float32Array.from(new Uint16Array(y as ArrayBuffer), fromHalf), wanted, bound)).toBe('');
      }
  });

  it('spreads over two dimensions of workgroups when one is too small', async () => {
    const problem: ReduceProblem = { kind: 'max', shape: [3000, 3], reduced: [false, true], dtype: 'f32' };
    const x = parityFill(9000, { seed: 24 });
    for (const software of [true, false])
      expect(differs('max', await run(problem, x, { ...gpu.target, software, maxWorkgroups: 5 }), reference(x, problem))).toBe('');
  });

  it('more than 65,535 workgroups', async () => {
    const rows = 64 * 65536 + 65;
    const problem: ReduceProblem = { kind: 'sum', shape: [rows, 2], reduced: [false, true], dtype: 'f32' };
    const x = new Float32Array(rows * 2).map((_, i) => i % 251);
    expect(differs('sum', await run(problem, x, gpu.target), reference(x, problem), parityBound)).toBe('');
  });
});

describe('values a reduction must not lose', () => {
  it('NaN wins a maximum, a minimum and a sum', async () => {
    const x = parityFill(6 * 1000, { seed: 25 });
    x[2500] = Number.NaN;
    for (const kind of ['sum', 'max', 'min'] as const satisfies readonly ReduceKind[])
      for (const software of [true, false]) {
        const rows = await run({ kind, shape: [6, 1000], reduced: [false, true], dtype: 'f32' }, x, { ...gpu.target, software });
        expect([...rows].map(Number.isNaN)).toEqual([false, false, true, false, false, false]);
        const columns = await run({ kind, shape: [1000, 6], reduced: [true, false], dtype: 'f32' }, x, { ...gpu.target, software });
        expect([...columns].map(Number.isNaN)).toEqual([false, false, false, false, true, false]);
      }
  });

  it('infinities and negative numbers survive extremes', async () => {
    const x = Float32Array.from([-3, -1, -2, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    const shape = { shape: [2, 3], reduced: [false, true], dtype: 'f32' } as const;
    expect([...(await run({ kind: 'max', ...shape }, x, gpu.target))]).toEqual([-1, Number.NEGATIVE_INFINITY]);
    expect([...(await run({ kind: 'min', ...shape }, x, gpu.target))]).toEqual([-3, Number.NEGATIVE_INFINITY]);
  });

  it('an extreme of nothing is refused', () => {
    expect(() => planReduce({ kind: 'max', shape: [3, 0], reduced: [false, true], dtype: 'f32' }, gpu.target)).toThrow(/no elements/);
  });
});

describe('one thread at most per so many elements', () => {
  it('a single output of a large tensor is summed by thousands of threads on a GPU, in stages', () => {
    const plan = planReduce({ kind: 'sum', shape: [1, 1 << 24], reduced: [true, true], dtype: 'f32' }, { ...gpu.target, software: false });
    expect(plan.dispatches[0]?.workgroups[0]).toBeGreaterThanOrEqual(512);
    expect(plan.dispatches.length).toBeLessThanOrEqual(5);
  });

  it('the order is fixed: the same bits every time', async () => {
    const x = parityFill(200_000, { seed: 26 });
    for (const software of [true, false]) {
      const problem: ReduceProblem = { kind: 'sum', shape: [200_000], reduced: [true], dtype: 'f32' };
      const first = await run(problem, x, { ...gpu.target, software });
      for (let i = 0; i < 3; i++) expect([...(await run(problem, x, { ...gpu.target, software }))]).toEqual([...first]);
    }
  });
});

describe('a chain reduced in the making', () => {
  /** v = a·x + b per channel, in two channel groups; v², v and their sums over images and places. */
  const shape = [3, 5, 2, 4];
  const chain: PointwiseChain = {
    shape,
    inputs: [
      { dtype: 'f32', strides: [40, 8, 4, 1] },
      { dtype: 'f32', strides: [0, 0, 4, 1] },
      { dtype: 'f32', strides: [2, 0, 1, 0] },
    ],
    steps: [
      { f: { kind: 'binary', row: 'mul' }, args: [{ input: 0 }, { input: 1 }] },
      { f: { kind: 'binary', row: 'add' }, args: [{ step: 0 }, { input: 2 }] },
      { f: { kind: 'unary', row: 'square' }, args: [{ step: 1 }] },
      { f: { kind: 'binary', row: 'mul' }, args: [{ step: 1 }, { scalar: -0.5 }] },
    ],
    outputs: [
      { value: { step: 1 }, dtype: 'f32' },
      { value: { step: 2 }, dtype: 'f32' },
      { value: { step: 3 }, dtype: 'f32' },
    ],
  };
  const size = 120;
  const [x, a, b] = [parityFill(size, { seed: 31 }), parityFill(8, { seed: 32, shift: 1 }), parityFill(6, { seed: 33 })];
  const made = Float64Array.from(
    { length: size },
    (_, i) => (x[i] as number) * (a[i % 8] as number) + (b[Math.floor(i / 40) * 2 + (Math.floor(i / 4) % 2)] as number),
  );
  const over: Record<string, readonly boolean[]> = {
    'images and places': [true, true, false, false],
    places: [false, true, false, false],
    'places and channels of a group': [false, true, false, true],
    everything: [true, true, true, true],
    groups: [false, false, true, false],
  };
  for (const [title, reduced] of Object.entries(over))
    it(`over ${title}, beside a value that is stored`, async () => {
      const outputs = shape.reduce((n, d, i) => (reduced[i] ? n : n * d), 1);
      for (const kind of ['sum', 'max'] as const)
        for (const [software, bake] of [
          [true, false],
          [false, true],
        ] as const) {
          const plan = planChainReduce({ kind, chain, reduced, results: ['whole', 0.25, 1] }, { ...gpu.target, software, bake });
          const { y0, y1, y2 } = await gpu.run(plan, { x0: x, x1: a, x2: b }, { y0: size * 4, y1: outputs * 4, y2: outputs * 4 });
          const wanted = (f: (v: number) => number, scale: number) => reference(made.map(f), { kind, shape, reduced, scale });
          expect(differs('stored', new Float32Array(y0 as ArrayBuffer), made)).toBe('');
          expect(
            differs(
              'squares',
              new Float32Array(y1 as ArrayBuffer),
              wanted((v) => v * v, 0.25),
            ),
          ).toBe('');
          expect(
            differs(
              'halves',
              new Float32Array(y2 as ArrayBuffer),
              wanted((v) => -0.5 * v, 1),
            ),
          ).toBe('');
        }
    });

  it('long enough for parts, and parts of parts', async () => {
    const rows = 200_000;
    const long: PointwiseChain = {
      shape: [rows, 4],
      inputs: [{ dtype: 'f32', strides: [4, 1] }],
      steps: [{ f: { kind: 'unary', row: 'square' }, args: [{ input: 0 }] }],
      outputs: [
        { value: { step: 0 }, dtype: 'f32' },
        { value: { input: 0 }, dtype: 'f32' },
      ],
    };
    const values = parityFill(rows * 4, { seed: 34, shift: 0.1 });
    for (const reduced of [
      [true, false],
      [true, true],
    ])
      for (const software of [true, false]) {
        const plan = planChainReduce({ kind: 'sum', chain: long, reduced, results: [1 / rows, 1 / rows] }, { ...gpu.target, software });
        expect(plan.dispatches.length).toBeGreaterThan(1);
        const bytes = reduced[1] ? 4 : 16;
        const { y0, y1 } = await gpu.run(plan, { x0: values }, { y0: bytes, y1: bytes });
        const problem = { kind: 'sum', shape: [rows, 4], reduced, scale: 1 / rows } as const;
        expect(
          differs(
            'squares',
            new Float32Array(y0 as ArrayBuffer),
            reference(
              values.map((v) => v * v),
              problem,
            ),
          ),
        ).toBe('');
        expect(differs('values', new Float32Array(y1 as ArrayBuffer), reference(values, problem))).toBe('');
      }
  });
});
