import { backward, compile, type Device, mul, openDevice, scope, sum, tensor } from '@initlab/core';
import { AdamW, LossScaler, loadOptimizer, Muon, type Optimizer, type OptimizerParams, Parameter, saveOptimizer } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { names, optimizerSteps, type Reference, referenceSteps, type UpdateNumbers } from '../support/optimizer-steps.js';
import { parityFill } from '../support/parity-fill.js';
import { untyped } from '../support/untyped.js';
import { valuesOf } from '../support/values-of.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

type Matrix = readonly (readonly number[])[];
const times = (x: Matrix, y: Matrix): number[][] =>
  x.map((row) => (y[0] ?? []).map((_, j) => row.reduce((total, v, k) => total + v * (y[k]?.[j] as number), 0)));
const transposed = (x: Matrix): number[][] => (x[0] ?? []).map((_, j) => x.map((row) => row[j] as number));
const sumOf = (...terms: readonly (readonly [number, Matrix])[]): number[][] =>
  (terms[0] as [number, Matrix])[1].map((row, i) =>
    row.map((_, j) => terms.reduce((total, [f, x]) => total + f * (x[i]?.[j] as number), 0)),
  );

/** The iteration of the author's page, in float64. */
function newtonSchulz(g: Matrix): number[][] {
  const tall = g.length > (g[0]?.length ?? 0);
  const start = tall ? transposed(g) : g;
  const length = Math.hypot(...start.flat()) + 1e-7;
  let x = start.map((row) => row.map((v) => v / length));
  for (let k = 0; k < 5; k++) {
    const square = times(x, transposed(x));
    x = sumOf([3.4445, x], [1, times(sumOf([-4.775, square], [2.0315, times(square, square)]), x)]);
  }
  return tall ? transposed(x) : x;
}

const update =
  (momentum: number, nesterov: boolean) =>
  ({ w, state, shape: [rows = 1] }: Reference, g: Float64Array, { lr, decay }: UpdateNumbers): void => {
    state.b ??= new Float64Array(w.length);
    const { b } = state;
    const columns = w.length / rows;
    g.forEach((v, i) => {
      b[i] = momentum * (b[i] as number) + (1 - momentum) * v;
    });
    const u = nesterov ? g.map((v, i) => (1 - momentum) * v + momentum * (b[i] as number)) : b;
    const matrix = Array.from({ length: rows }, (_, i) => [...u.slice(i * columns, (i + 1) * columns)]);
    const step = newtonSchulz(matrix).flat();
    w.forEach((value, i) => {
      w[i] = value * (1 - lr * decay) - lr * Math.sqrt(Math.max(1, rows / columns)) * (step[i] as number);
    });
  };

/** Tall, wide, and filters [3, 4]. */
const shapes = { a: [4, 3], b: [2, 5], c: [3, 2, 1, 2] };
/** The iteration makes much of small singular values: 3.4445⁵ times, and of their roundings. */
const bound = { absolute: 1e-6, relative: 5e-5 };

describe.each(['eager', 'compiled'])(
  'after its author’s page in float64, two groups, a step without a gradient, another rate: %s',
  (way) => {
    it.each([
      ['with Nesterov’s momentum', true, 0.95],
      ['without', false, 0.8],
    ] as const)('%s', async (_, nesterov, momentum) => {
      const expected = referenceSteps(update(momentum, nesterov), { lr: 0.05, decay: 0.1, shapes });
      const make = (groups: OptimizerParams): Optimizer => new Muon(groups, { lr: 0.05, momentum, nesterov, weightDecay: 0.1 });
      const got = await optimizerSteps(make, { lr: 0.05, shapes, way, device });
      for (const [i, values] of expected.entries())
        for (const name of names) expect(differs(`${name} at ${i}`, got[i]?.[name] as Float32Array, values[name], bound)).toBe('');
    });
  },
);

const made = (shape: readonly number[], seed: number): Parameter => {
  const p = new Parameter(shape, { device });
  return p.set(parityFill(p.size, { seed })) as Parameter;
};
const setGradients = (all: readonly Parameter[], seed: number): void => {
  for (const [i, p] of all.entries()) p.grad = p.gradSlot?.set(parityFill(p.size, { seed: seed + i }));
};

describe('groups', () => {
  it('with useMuon false are AdamW’s, at 3e-4 where they say nothing; a file goes on with the same bits', async () => {
    const [matrix, vector, late, alone] = [made([4, 3], 1), made([5], 2), made([5], 3), made([5], 2)];
    const make = (all: readonly Parameter[]): Muon => new Muon([{ params: all.slice(0, 1) }, { params: all.slice(1), useMuon: false }]);
    const optimizer = make([matrix, vector]);
    const adam = new AdamW([alone], { lr: 3e-4, betas: [0.9, 0.95], eps: 1e-10, weightDecay: 0 });
    expect(optimizer.groupRates[1]).toBeCloseTo(3e-4, 12);
    for (let k = 0; k < 2; k++) {
      setGradients([matrix, vector], 20 + k);
      setGradients([alone], 21 + k);
      for (const each of [optimizer, adam]) scope(() => each.step());
    }
    expect(differs('AdamW', (await valuesOf([vector]))[0] as number[], (await valuesOf([alone]))[0] as number[], bound)).toBe('');
    const copies = [made([4, 3], 5), made([5], 6)];
    for (const [i, values] of (await valuesOf([matrix, vector])).entries()) copies[i]?.set(values);
    const other = make(copies);
    loadOptimizer(other, await saveOptimizer(optimizer));
    optimizer.addParameterGroup({ params: [late], useMuon: false, lr: 0.02 });
    for (const [each, all] of [
      [optimizer, [matrix, vector, late]],
      [other, copies],
    ] as const) {
      setGradients(all, 30);
      scope(() => each.step());
    }
    expect(await valuesOf(copies)).toEqual(await valuesOf([matrix, vector]));
    expect(optimizer.groupRates[2]).toBe(0.02);
  });

  it('of one element, of one row and of none take their step', async () => {
    const all = [made([1, 1], 1), made([1, 6], 2), made([0, 3], 3)];
    const optimizer = new Muon(all, { lr: 0.5, momentum: 0 });
    const before = await valuesOf(all);
    for (const p of all) p.grad = p.gradSlot?.set(new Float32Array(p.size).fill(-3));
    scope(() => optimizer.step());
    const after = await valuesOf(all);
    // Of one singular value, the iteration's fifth of 1, each element having its share.
    let value = 1;
    for (let k = 0; k < 5; k++) value = 3.4445 * value - 4.775 * value ** 3 + 2.0315 * value ** 5;
    expect(after[0]?.[0]).toBeCloseTo((before[0]?.[0] as number) + 0.5 * value, 4);
    for (const [i, w] of (before[1] as number[]).entries()) expect(after[1]?.[i]).toBeCloseTo(w + (0.5 * value) / Math.sqrt(6), 4);
    expect(after[2]).toEqual([]);
  });

  it('that cannot be are refused', () => {
    const vector = made([5], 1);
    expect(() => new Muon([vector])).toThrow(/Muon: takes matrices and filters, got a parameter \[5\]; give such ones in a group/);
    expect(() => new Muon(untyped([{ params: [vector], useMuon: 0 }]))).toThrow(/optimizer group 0: useMuon is 0; give true or false/);
    expect(() => new AdamW(untyped([{ params: [vector], useMuon: false }]))).toThrow(/optimizer group 0: there is no option useMuon/);
    expect(() => new Muon([made([1, 1], 1)], { iterations: 0 })).toThrow(/iterations is 0/);
    expect(() => new Muon([made([1, 1], 1)], { lr: 0 })).toThrow(/lr is 0; give a number above 0/);
    expect(vector.gradSlot).toBeUndefined();
  });
});

it('under a loss scaler in mixed precision: a step that is not finite changes nothing; a slope of 0 only decays', async () => {
  const p = made([4, 3], 1);
  const optimizer = new Muon([p], { weightDecay: 0.5 });
  const scaler = new LossScaler({ device, scale: 8 });
  const step = compile(
    (x) => {
      optimizer.zeroGrad();
      backward(scaler.scale(sum(mul(p, x))));
      scaler.step(optimizer, { clipNorm: 1 });
    },
    { device, precision: 'mixed' },
  );
  const [start] = await valuesOf([p]);
  step(tensor(new Float32Array(12), { shape: [4, 3], device }));
  const [decayed] = await valuesOf([p]);
  expect(
    differs(
      'decayed',
      decayed as number[],
      (start as number[]).map((w) => w * 0.99),
      { absolute: 0, relative: 1e-6 },
    ),
  ).toBe('');
  step(tensor(parityFill(12, { seed: 3 }), { shape: [4, 3], device }));
  const [moved, state] = [await valuesOf([p]), await optimizer.state()];
  expect(moved).not.toEqual([decayed]);
  step(tensor(new Float32Array(12).fill(Number.POSITIVE_INFINITY), { shape: [4, 3], device }));
  expect(await valuesOf([p])).toEqual(moved);
  expect((await optimizer.state()).moments).toEqual(state.moments);
  step(tensor(parityFill(12, { seed: 4 }), { shape: [4, 3], device }));
  expect((await valuesOf([p])).flat().every(Number.isFinite)).toBe(true);
});
