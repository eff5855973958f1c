import { clipGradNorm, compile, type Device, openDevice, tensor } from '@initlab/core';
import { hyperNames, type OptimizerRule, planOptimizer, type Target } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { loadOpParity, parityFill, type ParityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
let device: Device;
beforeAll(async () => {
  gpu = await openRawGpu();
  device = await openDevice();
});
afterAll(() => device.close());

type Hyper = Record<(typeof hyperNames)[number], number>;
/** One step in float64, as PyTorch's documentation writes it. */
function referenceStep(rule: OptimizerRule, w: Float64Array, state: Float64Array[], g: ArrayLike<number>, hyper: Hyper): void {
  for (let i = 0; i < w.length; i++) {
    const decay = hyper.weightDecay;
    let grad = (g[i] as number) * hyper.gradScale;
    if (rule.kind === 'adamw') (w[i] as number) *= 1 - hyper.lr * decay;
    else grad += decay * (w[i] as number);
    if (rule.kind === 'sgd') {
      const [buffer] = state;
      if (buffer) {
        buffer[i] = hyper.first ? grad : rule.momentum * (buffer[i] as number) + (1 - rule.dampening) * grad;
        grad = rule.nesterov ? grad + rule.momentum * (buffer[i] as number) : (buffer[i] as number);
      }
      (w[i] as number) -= hyper.lr * grad;
    } else {
      const [m, v] = state as [Float64Array, Float64Array];
      m[i] = rule.beta1 * (m[i] as number) + (1 - rule.beta1) * grad;
      v[i] = rule.beta2 * (v[i] as number) + (1 - rule.beta2) * grad * grad;
      (w[i] as number) -= ((hyper.lr / hyper.bias1) * (m[i] as number)) / (Math.sqrt(v[i] as number) / hyper.bias2Root + rule.eps);
    }
  }
}

async function steps(
  rule: OptimizerRule,
  start: Float32Array,
  grads: readonly Float32Array[],
  fixed: { lr: number; weightDecay: number; gradScale: number },
  target: Target = gpu.target,
) {
  const slots = rule.kind === 'sgd' ? (rule.momentum !== 0 ? ['momentum'] : []) : ['m', 'v'];
  const n = start.length;
  const bytes = Math.ceil(n / 4) * 16;
  const padded = (x: Float32Array): Float32Array => {
    const y = new Float32Array(bytes / 4);
    y.set(x);
    return y;
  };
  const buffers: Record<string, ArrayBufferView> = { param: padded(start) };
  for (const slot of slots) buffers[slot] = new Float32Array(bytes / 4);
  const w = Float64Array.from(start);
  const state = slots.map(() => new Float64Array(n));
  const found: { got: Float32Array; expected: Float64Array }[] = [];
  for (const [k, g] of grads.entries()) {
    const adam = rule.kind !== 'sgd';
    const hyper: Hyper = {
      ...fixed,
      bias1: adam ? 1 - rule.beta1 ** (k + 1) : 1,
      bias2Root: adam ? Math.sqrt(1 - rule.beta2 ** (k + 1)) : 1,
      first: k === 0 ? 1 : 0,
    };
    const inputs = { ...buffers, grad: padded(g), hyper: Float32Array.from(hyperNames, (name) => hyper[name]) };
    const out = await gpu.run(
      planOptimizer(rule, { size: n }, target),
      inputs,
      Object.fromEntries(['param', ...slots].map((s) => [s, bytes])),
    );
    for (const slot of ['param', ...slots]) buffers[slot] = new Float32Array(out[slot] as ArrayBuffer);
    referenceStep(rule, w, state, g, hyper);
    found.push({ got: (buffers.param as Float32Array).slice(0, n), expected: w.slice() });
  }
  return found;
}

const rules: [string, OptimizerRule][] = [
  ['SGD', { kind: 'sgd', momentum: 0, dampening: 0, nesterov: false }],
  ['SGD, momentum', { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: false }],
  ['SGD, momentum and dampening', { kind: 'sgd', momentum: 0.9, dampening: 0.3, nesterov: false }],
  ['SGD, Nesterov', { kind: 'sgd', momentum: 0.9, dampening: 0, nesterov: true }],
  ['Adam', { kind: 'adam', beta1: 0.9, beta2: 0.999, eps: 1e-8 }],
  ['AdamW', { kind: 'adamw', beta1: 0.8, beta2: 0.99, eps: 1e-6 }],
];

describe('optimiser updates', () => {
  for (const [title, rule] of rules)
    it(`${title}: five steps with decay and a gradient scale, sizes that end inside a vector`, async () => {
      for (const n of [1, 6, 257]) {
        const grads = Array.from({ length: 5 }, (_, k) => parityFill(n, { seed: 90 + k }));
        const found = await steps(rule, parityFill(n, { seed: 89 }), grads, { lr: 0.05, weightDecay: 0.01, gradScale: 0.5 });
        // Five updates of float32 roundings.
        for (const [k, { got, expected }] of found.entries())
          expect(differs(`step ${k}`, got, expected, { absolute: 1e-6, relative: 1e-6 })).toBe('');
      }
    });

  it('vectors larger than one binding are updated in pieces', async () => {
    const target = { ...gpu.target, maxStorageBinding: 1024 + 100 };
    const grads = [0, 1].map((k) => parityFill(777, { seed: 90 + k }));
    for (const [title, rule] of rules) {
      expect(planOptimizer(rule, { size: 777 }, target).dispatches).toHaveLength(4);
      const found = await steps(rule, parityFill(777, { seed: 89 }), grads, { lr: 0.05, weightDecay: 0.01, gradScale: 0.5 }, target);
      for (const { got, expected } of found) expect(differs(title, got, expected, { absolute: 1e-6, relative: 1e-6 })).toBe('');
    }
  });

  it('agrees with PyTorch over the steps of the parity cases', async () => {
    const parity = loadOpParity();
    const cases = parity.cases.filter((c) => c.op === 'optimizer') as (ReturnType<typeof loadOpParity>['cases'][number] & {
      grad_seeds: number[];
      grad_scale: number;
    })[];
    expect(cases.length).toBeGreaterThan(0);
    for (const c of cases) {
      const a = c.attrs as Record<string, number | boolean | number[]>;
      const kind = String(a.kind);
      const [beta1 = 0.9, beta2 = 0.999] = (a.betas as number[] | undefined) ?? [];
      const rule: OptimizerRule =
        kind === 'sgd'
          ? { kind, momentum: Number(a.momentum ?? 0), dampening: 0, nesterov: Boolean(a.nesterov) }
          : { kind: kind as 'adam' | 'adamw', beta1, beta2, eps: Number(a.eps ?? 1e-8) };
      const param = c.inputs[0] as unknown as { shape: number[]; fill: ParityFill };
      const n = param.shape.reduce((p, q) => p * q, 1);
      const grads = c.grad_seeds.map((seed) => parityFill(n, { seed, scale: c.grad_scale }));
      const found = await steps(rule, parityFill(n, param.fill), grads, {
        lr: Number(a.lr),
        weightDecay: Number(a.weight_decay ?? 0),
        gradScale: 1,
      });
      for (const [k, { got }] of found.entries())
        expect(differs(`${c.name} step ${k}`, got, parity.expected(`${c.name}/${c.outputs[k]}`))).toBe('');
    }
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
