import { backward, compile, mul, scope, sum, type Tensor, tensor, weightNorm } from '@initlab/core';
import { Parameter, resetG, SGD, WeightNormLinear } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { devicesOfBothKinds } from '../support/both-kinds.js';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

/** As a CPU driver runs them, and with the kernels of a GPU, where a workgroup shares a row. */
const deviceOf = devicesOfBothKinds();

const [rows, length] = [3, 70];
const filled = (count: number, seed: number, scale = 1): number[] => [...parityFill(count, { seed })].map((x) => Math.fround(x * scale));
/** Rounding of f32, in sums of 70. */
const bound = { absolute: 0, relative: 1e-5 };

/** w, dv and dg in float64, row by row. */
function expected(v: readonly number[], g: readonly number[], dw: readonly number[]) {
  const made = { w: [] as number[], dv: [] as number[], dg: [] as number[], norm: [] as number[] };
  for (let r = 0; r < rows; r++) {
    const row = v.slice(r * length, (r + 1) * length);
    const norm = Math.hypot(...row);
    const direction = row.map((x) => x / norm);
    const along = direction.reduce((total, x, k) => total + x * (dw[r * length + k] as number), 0);
    made.norm.push(norm);
    made.dg.push(along);
    for (const [k, x] of direction.entries()) {
      made.w.push((g[r] as number) * x);
      made.dv.push(((g[r] as number) / norm) * ((dw[r * length + k] as number) - x * along));
    }
  }
  return made;
}

// 3e38 is as large as f32 gets: a row of it is longer than any f32, and 1e-37 is nearly as small.
describe.each(['cpu', 'gpu'] as const)('weight norm of v whose squares are no f32, on a %s', (kind) => {
  it.each([1e-37, 1e-25, 1e-16, 1, 1e19, 1e25, 3e38])('v around %s', async (scale) => {
    const device = deviceOf(kind);
    const [v, g, dw] = [filled(rows * length, 1, scale), filled(rows, 2), filled(rows * length, 3)];
    const leaves = [tensor(v, { shape: [rows, length], device }), tensor(g, { shape: [rows, 1], device })].map((x) => x.requiresGrad_());
    const cotangent = tensor(dw, { shape: [rows, length], device });
    const wanted = expected(v, g, dw);
    const body = (): Tensor[] => {
      for (const leaf of leaves) leaf.grad = undefined;
      const w = weightNorm(leaves[0] as Tensor, leaves[1] as Tensor);
      backward(sum(mul(w, cotangent)));
      return [w, ...leaves.map((leaf) => leaf.grad as Tensor)];
    };
    for (const values of [scope(body), compile(body, { device })()]) {
      const [w, dv, dg] = await Promise.all(values.map((x) => x.read()));
      expect(differs('w', w as Float32Array, wanted.w, bound)).toBe('');
      expect(differs('dg', dg as Float32Array, wanted.dg, bound)).toBe('');
      // Below 1.2e-38 a driver may keep no f32.
      expect(differs('dv', dv as Float32Array, wanted.dv, { ...bound, absolute: 1.2e-38 })).toBe('');
    }
    const layer = new WeightNormLinear(length, rows, { bias: false, device });
    layer.weightV.set(v);
    resetG(layer);
    const lengths = wanted.norm.map((norm) => Math.fround(norm));
    expect(differs('g', await layer.weightG.read(), lengths, bound)).toBe('');
    layer.dispose();
  });
});

describe('the norm of gradients whose squares are no f32', () => {
  it.each([1e-37, 1e-25, 1e-12, 1, 1e19, 1e25, 1e37])('gradients around %s', async (scale) => {
    const device = deviceOf('cpu');
    const parameter = new Parameter([200], { device });
    const optimizer = new SGD([parameter], { lr: 1 });
    const values = filled(200, 4, scale);
    scope(() => backward(sum(mul(parameter, tensor(values, { device })))));
    const norm = Math.hypot(...values);
    const measured = optimizer.clipGradNorm(Number.POSITIVE_INFINITY);
    expect(differs('norm', await measured.read(), [norm], bound)).toBe('');
    optimizer.clipGradNorm(0.5);
    const factor = Math.min(1, 0.5 / (norm + 1e-6));
    const clipped = values.map((x) => x * factor);
    expect(differs('clipped', await (parameter.grad as Tensor).read(), clipped, { ...bound, absolute: 1.2e-38 })).toBe('');
    optimizer.dispose();
  });
});
