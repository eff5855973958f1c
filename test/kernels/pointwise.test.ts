import { fromHalf, toHalf } from '@initlab/core';
import {
  type BinaryName,
  binaryRows,
  type ChainStep,
  type DType,
  type PointwiseChain,
  planPointwise,
  type Target,
  type UnaryName,
  unaryRows,
} from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { binaryReference, kinks, slope, unaryReference } from './pointwise-reference.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

/** Each result on its own scale: a few roundings of float32. */
const tight: Bound = { absolute: 1e-6, relative: 0 };
const relativeBound: Partial<Record<UnaryName | BinaryName, number>> = {
  // x · Φ(x): exp(−x²/2) magnifies the rounding of its argument by up to 18 in the tails of the test range.
  gelu: 4e-6,
  // exp(z · log x): the rounding of the logarithm is magnified by z.
  pow: 2e-6,
};

const flat = (n: number, dtype: DType = 'f32') => ({ dtype, strides: [1], n });
function chainOf(n: number, inputs: number, steps: readonly ChainStep[], more: Partial<PointwiseChain> = {}): PointwiseChain {
  return {
    shape: [n],
    inputs: Array.from({ length: inputs }, () => flat(n)),
    steps,
    outputs: [{ value: { step: steps.length - 1 }, dtype: 'f32' }],
    ...more,
  };
}
async function run(chain: PointwiseChain, data: readonly ArrayBufferView[], target: Target = gpu.target): Promise<Float32Array> {
  const size = chain.shape.reduce((a, b) => a * b, 1);
  const out = await gpu.run(planPointwise(chain, target), Object.fromEntries(data.map((d, i) => [`x${i}`, d])), { y0: size * 4 });
  return new Float32Array(out.y0 as ArrayBuffer);
}
const input = (i: number) => ({ input: i });

/** Values in the row's test range, away from its kinks. */
function draw(
  range: readonly [number, number],
  { n, seed, avoid = [] }: { n: number; seed: number; avoid?: readonly number[] | undefined },
): Float32Array {
  const x = parityFill(n, { seed, scale: (range[1] - range[0]) / 2, shift: (range[0] + range[1]) / 2 });
  return x.map((v) => (avoid.some((k) => Math.abs(v - k) < 1e-3) ? v + 0.01 : v));
}
const largestRatio = (got: ArrayLike<number>, expected: ArrayLike<number>, relative: number): number => {
  let worst = 0;
  // Below 1e-6 of the unit an error counts as absolute: there float32 inputs themselves decide.
  for (let i = 0; i < expected.length; i++)
    worst = Math.max(
      worst,
      Math.abs((got[i] as number) - (expected[i] as number)) / (Math.max(Math.abs(expected[i] as number), 1e-1) * relative),
    );
  return worst;
};

describe('unary rows against float64', () => {
  for (const [name, row] of Object.entries(unaryRows) as [UnaryName, (typeof unaryRows)[UnaryName]][]) {
    const attrs: readonly number[] = 'attrs' in row ? row.attrs : [];
    const f = (v: number): number => unaryReference[name](v, attrs);
    const relative = relativeBound[name] ?? 1e-6;
    it(`${name}: forward`, async () => {
      // 4096 values by vectors of four, 77 one by one.
      for (const n of [4096, 77]) {
        const x = draw(row.range, { n, seed: 11, avoid: kinks[name] });
        const got = await run(chainOf(n, 1, [{ f: { kind: 'unary', row: name }, args: [input(0)], attrs }]), [x]);
        expect(largestRatio(got, Array.from(x, f), relative)).toBeLessThan(1);
      }
    });
    if ('backward' in row)
      it(`${name}: derivative`, async () => {
        const n = 1000;
        const x = draw(row.range, { n, seed: 12, avoid: kinks[name] });
        const g = parityFill(n, { seed: 13 });
        const y = Float32Array.from(x, f);
        const step: ChainStep = { f: { kind: 'unaryGrad', row: name }, args: [input(0), input(1), input(2)], attrs };
        const got = await run(chainOf(n, 3, [step]), [g, x, y]);
        const expected = Array.from(x, (v, i) => slope(f, v) * (g[i] as number));
        // Saved results y carry their own rounding into 1 − y².
        expect(differs(name, got, expected, { absolute: 2e-6, relative: 2e-6 })).toBe('');
      });
  }

  it('keeps NaN and infinities as IEEE and PyTorch do', async () => {
    const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -2, 2, 1e30, -1e30];
    const x = Float32Array.from(special);
    for (const [name, row] of Object.entries(unaryRows) as [UnaryName, (typeof unaryRows)[UnaryName]][]) {
      // A driver may give anything for the angle of an infinity or of 1e30.
      const values = name === 'sin' || name === 'cos' ? special.map((v) => (Math.abs(v) > 1e5 ? 1 : v)) : special;
      const attrs: readonly number[] = 'attrs' in row ? row.attrs : [];
      const got = await run(chainOf(8, 1, [{ f: { kind: 'unary', row: name }, args: [input(0)], attrs }]), [
        values === special ? x : Float32Array.from(values),
      ]);
      // sign(NaN) is 0 in PyTorch, and sigmoid-like products of 0 and an infinity are NaN in both.
      const expected = values.map((v) => (name === 'sign' && Number.isNaN(v) ? 0 : Math.fround(unaryReference[name](v, attrs))));
      for (let i = 0; i < 8; i++) {
        const [g, e] = [got[i] as number, expected[i] as number];
        const close = Object.is(g, e) || g === e || Math.abs(g - e) <= 1e-6 * Math.abs(e);
        expect(close, `${name}(${values[i]}) = ${g}, expected ${e}`).toBe(true);
      }
    }
  });

  it('sin and cos stay exact to 1e-6 up to 1e5', async () => {
    const x = parityFill(4096, { seed: 5, scale: 1e5 });
    for (const name of ['sin', 'cos'] as const) {
      const got = await run(chainOf(4096, 1, [{ f: { kind: 'unary', row: name }, args: [input(0)] }]), [x]);
      expect(
        differs(
          name,
          got,
          Array.from(x, (v) => Math[name](v)),
          tight,
        ),
      ).toBe('');
    }
  });

  it('exp keeps its digits far from 0, and small values of softplus and elu survive', async () => {
    const x = draw([-86, 88], { n: 4096, seed: 6 });
    for (const name of ['exp', 'softplus', 'sigmoid'] as const) {
      const got = await run(chainOf(4096, 1, [{ f: { kind: 'unary', row: name }, args: [input(0)] }]), [x]);
      const worst = Math.max(...Array.from(x, (v, i) => Math.abs((got[i] as number) / unaryReference[name](v, []) - 1)));
      expect(worst, name).toBeLessThan(5e-7);
    }
    const small = parityFill(256, { seed: 7, scale: 1e-4 });
    const elu = await run(chainOf(256, 1, [{ f: { kind: 'unary', row: 'elu' }, args: [input(0)], attrs: [1] }]), [small]);
    expect(
      Math.max(...Array.from(small, (v, i) => (v === 0 ? 0 : Math.abs((elu[i] as number) / unaryReference.elu(v, [1]) - 1)))),
    ).toBeLessThan(5e-7);
  });
});

describe('binary rows against float64', () => {
  for (const [name, row] of Object.entries(binaryRows) as [BinaryName, (typeof binaryRows)[BinaryName]][]) {
    const f = binaryReference[name];
    const n = 1028;
    const x = draw(row.range, { n, seed: 21 });
    // Every seventh pair is a tie.
    const z = draw(row.range, { n, seed: 22 }).map((v, i) => (i % 7 === 0 ? (x[i] as number) : v));
    it(`${name}: forward`, async () => {
      const got = await run(chainOf(n, 2, [{ f: { kind: 'binary', row: name }, args: [input(0), input(1)] }]), [x, z]);
      expect(
        largestRatio(
          got,
          Array.from(x, (v, i) => f(v, z[i] as number)),
          relativeBound[name] ?? 1e-6,
        ),
      ).toBeLessThan(1);
    });
    if ('backward' in row)
      it(`${name}: derivatives`, async () => {
        const g = parityFill(n, { seed: 23 });
        const y = Float32Array.from(x, (v, i) => f(v, z[i] as number));
        for (const side of [0, 1] as const) {
          const step: ChainStep = { f: { kind: 'binaryGrad', row: name, side }, args: [input(0), input(1), input(2), input(3)] };
          const got = await run(chainOf(n, 4, [step]), [g, x, z, y]);
          // At a tie of maximum the symmetric difference is ½, which is PyTorch's rule too.
          const expected = Array.from(
            x,
            (v, i) =>
              (g[i] as number) * slope(side === 0 ? (t) => f(t, z[i] as number) : (t) => f(v, t), side === 0 ? v : (z[i] as number)),
          );
          expect(differs(`${name} ${side}`, got, expected, { absolute: 2e-6, relative: 2e-6 })).toBe('');
        }
      });
  }

  it('maximum and minimum pass NaN on, comparisons with it are false', async () => {
    const x = Float32Array.of(Number.NaN, 1, Number.NaN, -0);
    const z = Float32Array.of(1, Number.NaN, Number.NaN, 0);
    const results: Partial<Record<BinaryName, readonly number[]>> = {
      maximum: [Number.NaN, Number.NaN, Number.NaN, 0],
      minimum: [Number.NaN, Number.NaN, Number.NaN, 0],
      greater: [0, 0, 0, 0],
      lessEqual: [0, 0, 0, 1],
      equal: [0, 0, 0, 1],
      notEqual: [1, 1, 1, 0],
    };
    for (const [name, expected] of Object.entries(results) as [BinaryName, readonly number[]][])
      expect(
        differs(name, await run(chainOf(4, 2, [{ f: { kind: 'binary', row: name }, args: [input(0), input(1)] }]), [x, z]), expected),
        name,
      ).toBe('');
  });

  it('pow follows IEEE at its corners', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const pairs = [
      [-2, 3],
      [-2, 2],
      [-2, 0.5],
      [0, 0],
      [0, -1],
      [0, 2],
      [5, 0],
      [-8, -1],
      [inf, -1],
      [-inf, 3],
      [2, 10],
      [Number.NaN, 0],
    ] as const;
    const [x, z] = [Float32Array.from(pairs, (p) => p[0]), Float32Array.from(pairs, (p) => p[1])];
    const got = await run(chainOf(12, 2, [{ f: { kind: 'binary', row: 'pow' }, args: [input(0), input(1)] }]), [x, z]);
    expect(
      differs(
        'pow',
        got,
        pairs.map(([a, b]) => a ** b),
        { absolute: 1e-6, relative: 1e-6 },
      ),
    ).toBe('');
  });
});

it('1 to any power is 1 and so is −1 to an infinite one (IEEE, not JavaScript); the upper bound of clamp wins', async () => {
  const inf = Number.POSITIVE_INFINITY;
  const x = Float32Array.of(1, 1, 1, -1, -1, -1);
  const z = Float32Array.of(Number.NaN, inf, -inf, inf, -inf, Number.NaN);
  const power = await run(chainOf(6, 2, [{ f: { kind: 'binary', row: 'pow' }, args: [input(0), input(1)] }]), [x, z]);
  expect([...power]).toEqual([1, 1, 1, 1, 1, Number.NaN]);
  const crossed = chainOf(3, 1, [{ f: { kind: 'unary', row: 'clamp' }, args: [input(0)], attrs: [1, -1] }]);
  expect([...(await run(crossed, [Float32Array.of(-5, 0, 3)]))]).toEqual([-1, -1, -1]);
});

describe('half precision and conversion', () => {
  it('computes in f32 whatever is stored', async () => {
    if (!gpu.target.f16) return;
    const n = 64;
    const x = parityFill(n, { seed: 31, scale: 3 });
    const halves = Uint16Array.from(x, toHalf);
    const chain = chainOf(n, 1, [{ f: { kind: 'unary', row: 'exp' }, args: [input(0)] }], {
      inputs: [flat(n, 'f16')],
      outputs: [{ value: { step: 0 }, dtype: 'f16' }],
    });
    const out = await gpu.run(planPointwise(chain, gpu.target), { x0: halves }, { y0: n * 2 });
    const got = Array.from(new Uint16Array(out.y0 as ArrayBuffer), fromHalf);
    // One rounding to half of each result.
    for (let i = 0; i < n; i++)
      expect(Math.abs((got[i] as number) / Math.exp(fromHalf(halves[i] as number)) - 1)).toBeLessThan(2 ** -11 + 1e-6);
  });

  it('casts towards zero, and integers to floats', async () => {
    const x = Float32Array.of(-1.9, 1.9, 2.5, -0.5);
    const chain = chainOf(4, 1, [{ f: { kind: 'copy' }, args: [input(0)] }], { outputs: [{ value: { step: 0 }, dtype: 'i32' }] });
    const out = await gpu.run(planPointwise(chain, gpu.target), { x0: x }, { y0: 16 });
    expect([...new Int32Array(out.y0 as ArrayBuffer)]).toEqual([-1, 1, 2, 0]);
  });
});
