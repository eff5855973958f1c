import * as core from '@initlab/core';
import { type Device, grad, openDevice, scope, type Tensor, tensor } from '@initlab/core';
import { type BinaryName, type UnaryName, unaryRows } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { binaryReference, kinks, slope, unaryReference } from './pointwise-reference.js';

// Each row has two gradient rules: a fused kernel, and one made of ops for createGraph. Both must give the derivative
// of the float64 reference, and the second one's own derivative the second derivative.
let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

type Differentiable = Exclude<UnaryName, 'sign' | 'floor' | 'isNan'>;
const calls: Readonly<Record<Differentiable, (x: Tensor) => Tensor>> = {
  relu: core.relu,
  relu6: core.relu6,
  sigmoid: core.sigmoid,
  tanh: core.tanh,
  exp: core.exp,
  log: core.log,
  sin: core.sin,
  cos: core.cos,
  sqrt: core.sqrt,
  rsqrt: core.rsqrt,
  reciprocal: core.reciprocal,
  square: core.square,
  abs: core.abs,
  neg: core.neg,
  silu: core.silu,
  gelu: core.gelu,
  softplus: core.softplus,
  hardswish: core.hardswish,
  elu: (x) => core.elu(x),
  leakyRelu: (x) => core.leakyRelu(x),
  clamp: (x) => core.clamp(x, { min: -1, max: 1 }),
};

/** Made of straight pieces: the first derivative does not depend on x. */
const straight: ReadonlySet<Differentiable> = new Set(['relu', 'relu6', 'abs', 'neg', 'leakyRelu', 'clamp']);

/** Second derivative by differences of the first; its own error is about 1e-5. */
const curvature = (f: (x: number) => number, x: number): number => (f(x + 1e-4) - 2 * f(x) + f(x - 1e-4)) / 1e-8;
const n = 60;
const points = (range: readonly [number, number], seed: number, avoid: readonly number[] = []): Float32Array =>
  parityFill(n, { seed, scale: (range[1] - range[0]) / 2, shift: (range[0] + range[1]) / 2 }).map((v) =>
    avoid.some((k) => Math.abs(v - k) < 1e-3) ? v + 0.01 : v,
  );
/** Roundings of float32 in a handful of steps, relative to the largest value. */
const bound = { absolute: 2e-6, relative: 5e-6 };

describe('gradients of unary rows, fused and composed', () => {
  for (const [name, call] of Object.entries(calls) as [Differentiable, (x: Tensor) => Tensor][])
    it(name, async () => {
      const row = unaryRows[name];
      const attrs: readonly number[] = 'attrs' in row ? row.attrs : [];
      const f = (v: number): number => unaryReference[name](v, attrs);
      const data = points(row.range, 41, kinks[name]);
      const weights = parityFill(n, { seed: 42 });
      const results = scope(() => {
        const x = tensor(data, { shape: [n], device, requiresGrad: true });
        const gradient = tensor(weights, { shape: [n], device });
        const [fused] = grad(call(x), [x], { gradient });
        const [composed] = grad(call(x), [x], { gradient, createGraph: true });
        const second = (composed as Tensor).requiresGrad ? grad((composed as Tensor).sum(), [x])[0] : undefined;
        return [fused as Tensor, composed as Tensor, ...(second ? [second] : [])];
      });
      const [fused, composed, second] = await Promise.all(results.map((t) => t.read()));
      const expected = Array.from(data, (v, i) => slope(f, v) * (weights[i] as number));
      expect(differs('fused', fused as Float32Array, expected, bound)).toBe('');
      expect(differs('composed', composed as Float32Array, expected, bound)).toBe('');
      // Of linear pieces the second derivative is 0, and the rule may know that by not depending on x at all.
      if (!straight.has(name)) expect(second).toBeDefined();
      if (second) {
        const bent = Array.from(data, (v, i) => curvature(f, v) * (weights[i] as number));
        expect(differs('second derivative', second, bent, { absolute: 1e-4, relative: 1e-4 })).toBe('');
      }
      for (const t of results) t.dispose();
    });
});

describe('gradients of binary rows, fused and composed', () => {
  const binaryCalls = {
    add: core.add,
    sub: core.sub,
    mul: core.mul,
    div: core.div,
    pow: core.pow,
    maximum: core.maximum,
    minimum: core.minimum,
  } as const satisfies Partial<Record<BinaryName, typeof core.add>>;
  const names = Object.keys(binaryCalls) as (keyof typeof binaryCalls)[];
  const shapes: [number[], number[]][] = [
    [
      [3, 20],
      [3, 20],
    ],
    [[3, 20], [20]],
    [
      [3, 1, 4],
      [5, 1],
    ],
    [
      [1, 2, 1, 1],
      [3, 2, 2, 5],
    ],
  ];
  for (const name of names)
    it(name, async () => {
      const f = binaryReference[name];
      for (const [a, b] of shapes) {
        const rank = Math.max(a.length, b.length);
        const [pa, pb] = [a, b].map((s) => [...new Array<number>(rank - s.length).fill(1), ...s]) as [number[], number[]];
        const shape = pa.map((d, i) => Math.max(d, pb[i] as number));
        const [dataX, dataZ] = [a, b].map((s, i) =>
          parityFill(
            s.reduce((p, q) => p * q, 1),
            { seed: 50 + i, scale: 1.3, shift: 1.7 },
          ),
        ) as [Float32Array, Float32Array];
        const size = shape.reduce((p, q) => p * q, 1);
        const weights = parityFill(size, { seed: 52 });
        const place = (i: number, own: readonly number[]): number => {
          let rest = i;
          let at = 0;
          let step = 1;
          for (let d = rank - 1; d >= 0; d--) {
            if (own[d] !== 1) at += (rest % (shape[d] as number)) * step;
            rest = Math.floor(rest / (shape[d] as number));
            step *= own[d] as number;
          }
          return at;
        };
        const expected = [new Float64Array(dataX.length), new Float64Array(dataZ.length)] as const;
        for (let i = 0; i < size; i++) {
          const [ix, iz] = [place(i, pa), place(i, pb)];
          const [x, z] = [dataX[ix] as number, dataZ[iz] as number];
          (expected[0][ix] as number) += (weights[i] as number) * slope((t) => f(t, z), x);
          (expected[1][iz] as number) += (weights[i] as number) * slope((t) => f(x, t), z);
        }
        for (const createGraph of [false, true]) {
          const [gx, gz] = scope(() => {
            const x = tensor(dataX, { shape: a, device, requiresGrad: true });
            const z = tensor(dataZ, { shape: b, device, requiresGrad: true });
            return grad(binaryCalls[name](x, z), [x, z], { gradient: tensor(weights, { shape, device }), createGraph });
          }) as [Tensor, Tensor];
          const label = `[${a}] and [${b}], ${createGraph ? 'composed' : 'fused'}`;
          expect(differs(`${label}, x`, await gx.read(), expected[0], bound)).toBe('');
          expect(differs(`${label}, z`, await gz.read(), expected[1], bound)).toBe('');
          gx.dispose();
          gz.dispose();
        }
      }
    });

  it('numbers as operands, on either side', async () => {
    const data = parityFill(8, { seed: 61, scale: 1, shift: 2 });
    for (const name of names)
      for (const side of [0, 1] as const)
        for (const createGraph of [false, true]) {
          const f = binaryReference[name];
          const result = scope(() => {
            const x = tensor(data, { shape: [8], device, requiresGrad: true });
            return grad(side === 0 ? binaryCalls[name](x, 2.5) : binaryCalls[name](2.5, x), [x], {
              gradient: core.ones([8], { device }),
              createGraph,
            })[0] as Tensor;
          });
          const expected = Array.from(data, (v) => slope(side === 0 ? (t) => f(t, 2.5) : (t) => f(2.5, t), v));
          expect(differs(`${name} side ${side} ${createGraph}`, await result.read(), expected, bound)).toBe('');
          result.dispose();
        }
  });

  it('blocked infinite gradients are 0, ties are shared, and powers of 0 have finite gradients', async () => {
    const inf = Number.POSITIVE_INFINITY;
    for (const createGraph of [false, true]) {
      const found = scope(() => {
        const x = tensor([-1, 2, 3, 0], { device, requiresGrad: true });
        const z = tensor([5, 2, 1, -1], { device, requiresGrad: true });
        const infinite = tensor([inf, 1, 1, 1], { device });
        const ones = tensor([1, 1, 1, 1], { device });
        return [
          ...grad(core.relu(x), [x], { gradient: infinite, createGraph }),
          ...grad(core.maximum(x, z), [x, z], { gradient: ones, createGraph }),
          ...grad(core.pow(x, 0), [x], { gradient: ones, createGraph }),
          ...grad(core.pow(core.relu(x), tensor([1, 1, 1, 2], { device, requiresGrad: false })), [x], { gradient: ones, createGraph }),
        ];
      });
      const values = await Promise.all(found.map(async (t) => [...(await t.read())]));
      expect(values).toEqual([
        [0, 1, 1, 0],
        [0, 0.5, 1, 1],
        [1, 0.5, 0, 0],
        [0, 0, 0, 0],
        [0, 1, 1, 0],
      ]);
      for (const t of found) t.dispose();
    }
  });
});
