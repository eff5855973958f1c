import { adaptiveAvgPool2d, avgPool2d, type Device, grad, maxPool2d, openDevice, scope, type Tensor, tensor } from '@initlab/core';
import { type PoolProblem, planPool, poolOutputSize } from '@initlab/kernels';
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

/** Rounding of a mean of a few values. */
const bound = { absolute: 1e-6, relative: 1e-6 };
type Window = readonly (readonly [row: number, column: number])[];
interface Geometry {
  readonly shape: readonly [number, number, number, number];
  readonly out: readonly [number, number];
  window(oy: number, ox: number): Window;
  divisor(oy: number, ox: number): number;
}

/** Pooling written per window on logical NCHW indices, in float64, with the gradient of each. */
function reference(x: Float32Array, g: Float32Array, { shape, out, window, divisor }: Geometry, max: boolean) {
  const [n, c, h, w] = shape;
  const y = new Float64Array(n * c * out[0] * out[1]);
  const dx = new Float64Array(x.length);
  for (let plane = 0; plane < n * c; plane++)
    for (let oy = 0; oy < out[0]; oy++)
      for (let ox = 0; ox < out[1]; ox++) {
        const o = (plane * out[0] + oy) * out[1] + ox;
        const at = window(oy, ox).map(([r, s]) => (plane * h + r) * w + s);
        if (max) {
          let best = at[0] as number;
          for (const i of at) if (Number.isNaN(x[i]) || (x[i] as number) > (x[best] as number)) best = i;
          y[o] = x[best] as number;
          (dx[best] as number) += g[o] as number;
        } else {
          const d = divisor(oy, ox);
          y[o] = at.reduce((sum, i) => sum + (x[i] as number), 0) / d;
          for (const i of at) (dx[i] as number) += (g[o] as number) / d;
        }
      }
  return { y, dx };
}

type Pair = readonly [number, number];
function geometry(shape: Geometry['shape'], kernel: Pair, stride: Pair, padding: Pair, countIncludePad: boolean): Geometry {
  const [, , h, w] = shape;
  const out = poolOutputSize({ inHeight: h, inWidth: w, kernel, stride, padding });
  const along = (o: number, axis: 0 | 1) => {
    const start = o * stride[axis] - padding[axis];
    const size = axis === 0 ? h : w;
    return {
      from: Math.max(start, 0),
      to: Math.min(start + kernel[axis], size),
      padded: Math.min(start + kernel[axis], size + padding[axis]) - start,
    };
  };
  return {
    shape,
    out,
    window: (oy, ox) => {
      const [rows, columns] = [along(oy, 0), along(ox, 1)];
      const found: [number, number][] = [];
      for (let r = rows.from; r < rows.to; r++) for (let s = columns.from; s < columns.to; s++) found.push([r, s]);
      return found;
    },
    divisor: (oy, ox) => {
      const [a, b] = [along(oy, 0), along(ox, 1)];
      return countIncludePad ? a.padded * b.padded : (a.to - a.from) * (b.to - b.from);
    },
  };
}

async function check(label: string, geometry: Geometry, max: boolean, call: (x: Tensor) => Tensor, coarse = false): Promise<void> {
  const { shape, out } = geometry;
  const size = shape.reduce((a, b) => a * b, 1);
  const outSize = shape[0] * shape[1] * out[0] * out[1];
  // Coarse values have many equal maxima.
  const data = parityFill(size, { seed: 71 }).map((v) => (coarse ? Math.round(v * 2) : v));
  const weights = parityFill(outSize, { seed: 72 });
  const results = scope(() => {
    const x = tensor(data, { shape, device, requiresGrad: true });
    const y = call(x);
    const gradient = tensor(weights, { shape: y.shape, device, requiresGrad: true });
    const [dx] = grad(y, [x], { gradient, createGraph: true }) as [Tensor];
    // The gradient is linear in `gradient`; its own gradient towards it is pooling again, of the cotangent.
    const [again] = grad(dx, [gradient], { gradient: tensor(data, { shape, device }) }) as [Tensor];
    return [y.detach(), dx.detach(), again];
  });
  const [y, dx, again] = await Promise.all(results.map((t) => t.read()));
  const expected = reference(data, weights, geometry, max);
  expect(differs(`${label}: y`, y as Float32Array, expected.y, bound)).toBe('');
  expect(differs(`${label}: dx`, dx as Float32Array, expected.dx, bound)).toBe('');
  expect(differs(`${label}: gradient of the gradient`, again as Float32Array, expected.y, bound)).toBe('');
  for (const t of results) t.dispose();
}

const windows: [string, Geometry['shape'], Pair, Pair, Pair][] = [
  ['2×2', [2, 3, 8, 8], [2, 2], [2, 2], [0, 0]],
  ['overlapping with padding', [2, 5, 9, 7], [3, 3], [2, 2], [1, 1]],
  ['stride 1', [1, 16, 5, 6], [3, 3], [1, 1], [1, 1]],
  ['gaps between windows', [1, 4, 9, 9], [2, 2], [4, 3], [0, 0]],
  ['rectangular', [1, 2, 7, 10], [2, 5], [1, 3], [1, 2]],
  ['side by side, whole vectors, a rest left over', [2, 8, 7, 9], [2, 3], [2, 3], [0, 0]],
  ['one pixel', [3, 1, 1, 1], [1, 1], [1, 1], [0, 0]],
];

describe('pooling', () => {
  for (const [title, shape, kernelSize, stride, padding] of windows) {
    const k = {
      kernelSize: [...kernelSize] as [number, number],
      stride: [...stride] as [number, number],
      padding: [...padding] as [number, number],
    };
    it(`max, ${title}`, () => check(title, geometry(shape, kernelSize, stride, padding, true), true, (x) => maxPool2d(x, k)));
    it(`max with ties, ${title}`, () =>
      check(title, geometry(shape, kernelSize, stride, padding, true), true, (x) => maxPool2d(x, k), true));
    for (const countIncludePad of [true, false])
      it(`average, ${title}${countIncludePad ? '' : ', padding not counted'}`, () =>
        check(title, geometry(shape, kernelSize, stride, padding, countIncludePad), false, (x) => avgPool2d(x, { ...k, countIncludePad })));
  }

  it('adaptive average, dividing and not, growing too', async () => {
    for (const [h, w, outH, outW] of [
      [8, 8, 2, 4],
      [7, 5, 3, 2],
      [5, 9, 5, 4],
      [2, 3, 5, 7],
      [6, 6, 1, 1],
    ] as const) {
      const span = (o: number, size: number, out: number): [number, number] => [
        Math.floor((o * size) / out),
        Math.ceil(((o + 1) * size) / out),
      ];
      const adaptive: Geometry = {
        shape: [2, 3, h, w],
        out: [outH, outW],
        window: (oy, ox) => {
          const [[r0, r1], [s0, s1]] = [span(oy, h, outH), span(ox, w, outW)];
          return Array.from({ length: (r1 - r0) * (s1 - s0) }, (_, i) => [r0 + Math.floor(i / (s1 - s0)), s0 + (i % (s1 - s0))] as const);
        },
        divisor(oy, ox) {
          return this.window(oy, ox).length;
        },
      };
      adaptive.divisor = adaptive.divisor.bind(adaptive);
      await check(`${h}×${w} to ${outH}×${outW}`, adaptive, false, (x) => adaptiveAvgPool2d(x, [outH, outW]));
    }
  });

  it('NaN wins a window, and its gradient goes to the last of them; −∞ alone is a maximum', async () => {
    const inf = Number.POSITIVE_INFINITY;
    const problem: PoolProblem = {
      batch: 1,
      channels: 1,
      inHeight: 2,
      inWidth: 4,
      kernel: [2, 2],
      stride: [2, 2],
      padding: [0, 0],
      dtype: 'f32',
    };
    const x = Float32Array.of(Number.NaN, 1, -inf, -inf, 2, Number.NaN, -inf, -inf);
    const out = await gpu.run(planPool(problem, 'max', gpu.target), { x }, { y: 8, index: 8 });
    expect([...new Float32Array(out.y as ArrayBuffer)]).toEqual([Number.NaN, -inf]);
    expect([...new Uint32Array(out.index as ArrayBuffer)]).toEqual([5, 2]);
  });

  it('runs more than 65,535 workgroups', async () => {
    const n = 65_535 * 64 + 64;
    const problem: PoolProblem = {
      batch: n / 64,
      channels: 64,
      inHeight: 1,
      inWidth: 1,
      kernel: [1, 1],
      stride: [1, 1],
      padding: [0, 0],
      dtype: 'f32',
    };
    const x = new Float32Array(n).map((_, i) => i % 1009);
    const { y } = await gpu.run(planPool(problem, 'avg', gpu.target), { x }, { y: n * 4 });
    expect(new Float32Array(y as ArrayBuffer).every((v, i) => v === i % 1009)).toBe(true);
  });

  it('refuses what does not fit, saying why', () => {
    const x = tensor(parityFill(16, { seed: 1 }), { shape: [1, 1, 4, 4], device });
    expect(() => maxPool2d(x, { kernelSize: 5 })).toThrow('does not fit');
    expect(() => maxPool2d(x, { kernelSize: 2, padding: 2 })).toThrow('at most half the kernel');
    expect(() => adaptiveAvgPool2d(x, 0)).toThrow('outputSize is 0; give a whole number from 1');
    x.dispose();
  });
});
