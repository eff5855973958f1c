import { clipGradNorm, compile, type Device, openDevice, tensor } from '@initlab/core';
import { hyperNames, hyperNumbers, momentSlots, type OptimizerRule, planOptimizer, type Target } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
let device: Device;
beforeAll(async () => {
  gpu = await openRawGpu();
  device = await openDevice();
});
afterAll(() => device.close());

/** A rule with all that one may have. */
const rule: OptimizerRule = {
  name: 'of-a-test',
  terms: { doubled: true, halved: false },
  moments: { m: 0, greatest: 0 },
  constants: { keep: 0.9, unused: 3 },
  numbers: (updates) => ({ bias: 1 - 0.9 ** updates, first: updates === 1 ? 1 : 0 }),
  formulas: `
  g = fma(w, vec4f(decay), 2.0 * g);
  m = fma(m, vec4f(p.keep), g * (1.0 - p.keep));
  greatest = select(max(greatest, abs(g)), abs(g), first == 1.0);
  w = w - (lr / bias) * m / (greatest + 0.1);`,
};
const rates = { lr: 0.05, decay: 0.01, gradScale: 0.5 };
/** One step in float64. */
function referenceStep([w, m, greatest]: [Float64Array, Float64Array, Float64Array], grad: ArrayLike<number>, updates: number): void {
  for (let i = 0; i < w.length; i++) {
    const g = 2 * rates.gradScale * (grad[i] as number) + rates.decay * (w[i] as number);
    m[i] = 0.9 * (m[i] as number) + 0.1 * g;
    greatest[i] = Math.max(greatest[i] as number, Math.abs(g));
    (w[i] as number) -= ((rates.lr / (1 - 0.9 ** updates)) * (m[i] as number)) / ((greatest[i] as number) + 0.1);
  }
}

async function steps(n: number, count: number, target: Target = gpu.target) {
  const bytes = Math.ceil(n / 4) * 16;
  const padded = (x: Float32Array): Float32Array => {
    const y = new Float32Array(bytes / 4);
    y.set(x);
    return y;
  };
  const start = parityFill(n, { seed: 89 });
  // What the first update finds in the second moment does not matter.
  const buffers: Record<string, ArrayBufferView> = {
    param: padded(start),
    moment0: new Float32Array(bytes / 4),
    moment1: new Float32Array(bytes / 4).fill(99),
  };
  const reference: [Float64Array, Float64Array, Float64Array] = [Float64Array.from(start), new Float64Array(n), new Float64Array(n)];
  const found: { got: Float32Array; expected: Float64Array }[] = [];
  for (let updates = 1; updates <= count; updates++) {
    const g = parityFill(n, { seed: 90 + updates });
    const inputs = { ...buffers, grad: padded(g), hyper: Float32Array.from(hyperNumbers(rule, { ...rates, updates })) };
    const written = ['param', ...momentSlots(rule)];
    const out = await gpu.run(planOptimizer(rule, { size: n }, target), inputs, Object.fromEntries(written.map((s) => [s, bytes])));
    for (const slot of written) buffers[slot] = new Float32Array(out[slot] as ArrayBuffer);
    referenceStep(reference, g, updates);
    found.push({ got: (buffers.param as Float32Array).slice(0, n), expected: reference[0].slice() });
  }
  return found;
}

/** A few updates of float32 roundings. */
const bound = { absolute: 1e-6, relative: 1e-6 };

describe('the kernel of an optimiser’s rule', () => {
  it('makes steps with terms, constants, numbers and moments of the rule, in sizes that end inside a vector', async () => {
    for (const n of [1, 6, 257])
      for (const [k, { got, expected }] of (await steps(n, 3)).entries()) expect(differs(`step ${k}`, got, expected, bound)).toBe('');
  });

  it('vectors larger than one binding are updated in pieces', async () => {
    const target = { ...gpu.target, maxStorageBinding: 1024 + 100 };
    expect(planOptimizer(rule, { size: 777 }, target).dispatches).toHaveLength(4);
    for (const { got, expected } of await steps(777, 2, target)) expect(differs('pieces', got, expected, bound)).toBe('');
  });

  it('is named by the rule and the terms that it has', () => {
    const { variant, dispatches } = planOptimizer(rule, { size: 4, scaled: true }, gpu.target);
    expect(variant).toBe('optim-of-a-test-doubled-scaled');
    expect(dispatches[0]?.kernel.name).toMatch(/^optim kind=of-a-test doubled scaled/);
    expect(hyperNames(rule)).toEqual(['lr', 'decay', 'gradScale', 'bias', 'first']);
  });
});

describe('clipping by the norm', () => {
  const norm = (parts: readonly Float32Array[]): number => Math.sqrt(parts.reduce((sum, x) => sum + x.reduce((s, v) => s + v * v, 0), 0));
  it('scales several gradients by their common norm, and leaves small ones alone', async () => {
    const parts = [1, 5, 4099, 70_001].map((n, i) => parityFill(n, { seed: 95 + i }));
    for (const maxNorm of [0.5, 1e6]) {
      const grads = parts.map((x) => tensor(x, { device }));
      const found = clipGradNorm(grads, { maxNorm });
      const before = norm(parts);
      expect(Math.abs((await found.item()) / before - 1)).toBeLessThan(1e-6);
      const factor = Math.min(1, maxNorm / (before + 1e-6));
      for (const [i, g] of grads.entries()) {
        const expected = (parts[i] as Float32Array).map((v) => v * factor);
        expect(differs(`part ${i}`, await g.read(), expected, { absolute: 0, relative: 2e-6 })).toBe('');
        g.dispose();
      }
      found.dispose();
    }
  });

  it('vectors larger than one binding are clipped in pieces', async () => {
    const narrow = await openDevice({ target: { maxStorageBinding: 4096 } });
    const data = parityFill(3001, { seed: 95 });
    const g = tensor(data, { device: narrow });
    const before = norm([data]);
    expect(Math.abs((await clipGradNorm([g], { maxNorm: 0.5 }).item()) / before - 1)).toBeLessThan(1e-6);
    const expected = data.map((v) => (v * 0.5) / before);
    expect(differs('pieces', await g.read(), expected, { absolute: 0, relative: 2e-5 })).toBe('');
    narrow.close();
  });

  it('repeats its bits, passes NaN on, and runs in a compiled step', async () => {
    const data = parityFill(10_000, { seed: 99 });
    const results: number[] = [];
    for (let i = 0; i < 2; i++) results.push(await clipGradNorm([tensor(data, { device })], { maxNorm: 1 }).item());
    expect(results[0]).toBe(results[1]);
    const broken = tensor([1, Number.NaN, 2], { device });
    expect(await clipGradNorm([broken], { maxNorm: 1 }).item()).toBeNaN();
    expect([...(await broken.read())]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    const g = tensor([3, 4], { device });
    const step = compile(() => clipGradNorm([g], { maxNorm: 2.5 }), { device });
    expect(await step().item()).toBe(5);
    expect(await step().item()).toBeCloseTo(2.5, 5);
    expect(() => clipGradNorm([], { maxNorm: 1 })).toThrow('takes a list of gradients, got none');
    expect(() => clipGradNorm([g], { maxNorm: 0 })).toThrow('positive');
  });
});
