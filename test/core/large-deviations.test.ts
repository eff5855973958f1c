import { backward, compile, grad, mul, scope, sum, type Tensor, tensor, variance, varMean } from '@initlab/core';
import { BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm, type Module } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { bothKinds, devicesOfBothKinds } from '../support/both-kinds.js';
import { differs } from '../support/close.js';

const deviceOf = devicesOfBothKinds();
/** f32 sums of some ten values. */
const rounding = { absolute: 0, relative: 1e-5 };

const top = 3.4e38;
const rows = {
  'both signs': [top, -top, top, -top],
  'one of the other sign': [top, top, top, -top],
  'all at the end': [-top, -top, -top, -3.3e38],
  'one large value beside small ones': [1, 2, -3e38, 5],
} as const;

/** Mean, variance and the variance's gradient in float64. */
function expected(x: readonly number[]) {
  const mean = x.reduce((a, v) => a + v / x.length, 0);
  const squares = x.reduce((a, v) => a + (v - mean) ** 2, 0);
  return { mean, variance: squares / (x.length - 1), gradient: x.map((v) => ((v - mean) * 2) / (x.length - 1)) };
}

describe.each(bothKinds)('values near the largest f32, of both signs, on a %s', (kind) => {
  it.each(Object.entries(rows))('variance and its gradient: %s', async (_, row) => {
    const device = deviceOf(kind);
    const wanted = expected(row.map(Math.fround));
    const x = tensor([...row, ...row], { shape: [2, 4], device }).requiresGrad_();
    const body = (): Tensor[] => {
      x.grad = undefined;
      const { mean } = varMean(x, { dims: 1 });
      const y = variance(x, { dims: 1 });
      backward(sum(y));
      const [second] = grad(sum(variance(x, { dims: 1 })), [x], { createGraph: true });
      return [y, mean, x.grad as unknown as Tensor, second as Tensor];
    };
    for (const run of [() => scope(body), compile(body, { device })]) {
      const values = run();
      const [y, mean, dx, again] = await Promise.all(values.map(async (t) => [...(await t.read())] as number[]));
      // 10⁷⁶ is no f32: infinite, as PyTorch's.
      expect(y).toEqual([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
      expect(differs('mean', mean as number[], [wanted.mean, wanted.mean], { absolute: 1e32, relative: 1e-6 })).toBe('');
      for (const found of [dx, again])
        expect(differs('dx', found as number[], Float32Array.from([...wanted.gradient, ...wanted.gradient]), rounding)).toBe('');
    }
  });

  const norms: Record<string, () => Module> = {
    batch: () => new BatchNorm2d(4, { device: deviceOf(kind) }),
    instance: () => new InstanceNorm2d(4, { device: deviceOf(kind) }),
    group: () => new GroupNorm(4, 4, { device: deviceOf(kind) }),
  };
  it.each(Object.keys(norms))('the norm of each channel: %s', async (name) => {
    const device = deviceOf(kind);
    const norm = (norms[name] as () => Module)();
    const list = [rows['both signs'], rows['one of the other sign'], [top, -1e38, 2e38, -3e38], [-1e38, 1e38, 3e38, top]];
    const x = tensor(list.flat(), { shape: [1, 4, 2, 2], device }).requiresGrad_();
    const weights = [1, 2, 3, 5];
    const cotangent = tensor(weights, { shape: [1, 1, 2, 2], device });
    const body = (): Tensor[] => {
      x.grad = undefined;
      const y = norm.forward(x);
      backward(sum(mul(y, cotangent)));
      return [y, x.grad as unknown as Tensor];
    };
    const wanted = list.map((row) => normalised(row.map(Math.fround), weights));
    for (const run of [() => scope(body), compile(body, { device })]) {
      const values = run();
      const [y, dx] = await Promise.all(values.map((t) => t.read()));
      const flat = (part: 'y' | 'dx'): number[] => wanted.flatMap((w) => w[part]);
      expect(differs('y', y as Float32Array, flat('y'), { absolute: 0, relative: 1e-6 })).toBe('');
      // Gradients of 10⁻³⁹ are subnormal numbers of few digits, and a GPU may keep none.
      expect(differs('dx', dx as Float32Array, flat('dx'), { absolute: 1.2e-38, relative: 1e-3 })).toBe('');
    }
    norm.dispose();
  });

  it('layer norm', async () => {
    const device = deviceOf(kind);
    const row = [top, top, -top, top, top, -1e38, 3e38, top].map(Math.fround);
    const weights = [1, 2, 3, 5, -1, 2, 0, 1];
    const norm = new LayerNorm(8, { device });
    const x = tensor(row, { shape: [1, 8], device }).requiresGrad_();
    const y = norm.forward(x);
    backward(sum(mul(y, tensor(weights, { shape: [1, 8], device }))));
    const wanted = normalised(row, weights);
    expect(differs('y', await y.read(), wanted.y, { absolute: 0, relative: 1e-6 })).toBe('');
    expect(differs('dx', await (x.grad as unknown as Tensor).read(), wanted.dx, { absolute: 1.2e-38, relative: 1e-3 })).toBe('');
    norm.dispose();
  });
});

/** A row normalised, and its gradient, in float64; the ε of norms is nothing beside such variances. */
function normalised(x: readonly number[], weights: readonly number[]) {
  const n = x.length;
  const mean = x.reduce((a, v) => a + v / n, 0);
  const deviation = Math.sqrt(x.reduce((a, v) => a + (v - mean) ** 2 / n, 0));
  const y = x.map((v) => (v - mean) / deviation);
  const level = weights.reduce((a, w) => a + w / n, 0);
  const slope = weights.reduce((a, w, i) => a + (w * (y[i] as number)) / n, 0);
  return { y, dx: weights.map((w, i) => (w - level - (y[i] as number) * slope) / deviation) };
}
