import {
  cat,
  type Device,
  expand,
  flatten,
  grad,
  narrow,
  openDevice,
  pad,
  permute,
  reshape,
  scope,
  type Tensor,
  tensor,
  toFormat,
} from '@initlab/core';
import { type Plan, planCopyRegions, planFill } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
let device: Device;
beforeAll(async () => {
  gpu = await openRawGpu();
  device = await openDevice();
});
afterAll(() => device.close());

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const strides = (shape: readonly number[]): number[] => shape.map((_, d) => sizeOf(shape.slice(d + 1)));
const coordinates = (i: number, shape: readonly number[]): number[] =>
  strides(shape).map((s, d) => Math.floor(i / s) % (shape[d] as number));
const formats = ['rowMajor', 'channelsLast'] as const;

/** An op that moves elements: result i is element `from(coordinates)` of the input, or the constant where −1. */
interface Move {
  readonly title: string;
  readonly shape: readonly number[];
  readonly result: readonly number[];
  readonly call: (x: Tensor) => Tensor;
  readonly from: (at: readonly number[]) => readonly number[] | undefined;
  readonly fill?: number;
}
const moves: readonly Move[] = [
  { title: 'permute, 2 dimensions', shape: [3, 5], result: [5, 3], call: (x) => permute(x, [1, 0]), from: ([a = 0, b = 0]) => [b, a] },
  {
    title: 'permute, 6 dimensions',
    shape: [2, 3, 1, 4, 2, 3],
    result: [3, 4, 2, 2, 3, 1],
    call: (x) => permute(x, [-1, 3, 0, 4, 1, 2]),
    from: ([f = 0, d = 0, a = 0, e = 0, b = 0, c = 0]) => [a, b, c, d, e, f],
  },
  {
    title: 'permute an image',
    shape: [2, 4, 3, 5],
    result: [3, 5, 2, 4],
    call: (x) => permute(x, [2, 3, 0, 1]),
    from: ([h = 0, w = 0, n = 0, c = 0]) => [n, c, h, w],
  },
  ...[0, 1, 2, 3].map((dim): Move => {
    const shape = [4, 8, 5, 6];
    return {
      title: `narrow dimension ${dim}`,
      shape,
      result: shape.map((d, i) => (i === dim ? 2 : d)),
      call: (x) => narrow(x, { dim, start: 2, length: 2 }),
      from: (at) => at.map((c, i) => (i === dim ? c + 2 : c)),
    };
  }),
  {
    title: 'narrow channels by vectors',
    shape: [2, 16, 3, 3],
    result: [2, 8, 3, 3],
    call: (x) => narrow(x, { dim: -3, start: 4, length: 8 }),
    from: ([n = 0, c = 0, h = 0, w = 0]) => [n, c + 4, h, w],
  },
  {
    title: 'pad height and width',
    shape: [2, 3, 4, 4],
    result: [2, 3, 7, 5],
    call: (x) => pad(x, { pad: [0, 1, 2, 1], value: -2 }),
    from: ([n = 0, c = 0, h = 0, w = 0]) => (h >= 2 && h < 6 && w < 4 ? [n, c, h - 2, w] : undefined),
    fill: -2,
  },
  {
    title: 'pad channels (option A shortcuts)',
    shape: [2, 4, 3, 3],
    result: [2, 12, 3, 3],
    call: (x) => pad(x, { pad: [0, 0, 0, 0, 4, 4] }),
    from: ([n = 0, c = 0, h = 0, w = 0]) => (c >= 4 && c < 8 ? [n, c - 4, h, w] : undefined),
  },
  {
    title: 'expand',
    shape: [3, 1, 2],
    result: [2, 3, 4, 2],
    call: (x) => expand(x, [2, -1, 4, -1]),
    from: ([, a = 0, , c = 0]) => [a, 0, c],
  },
  {
    title: 'expand an image',
    shape: [2, 4, 1, 1],
    result: [2, 4, 3, 5],
    call: (x) => expand(x, [2, 4, 3, 5]),
    from: ([n = 0, c = 0]) => [n, c, 0, 0],
  },
  {
    title: 'reshape',
    shape: [2, 3, 4, 5],
    result: [6, 20],
    call: (x) => reshape(x, [6, -1]),
    from: ([a = 0, b = 0]) => coordinates(a * 20 + b, [2, 3, 4, 5]),
  },
  {
    title: 'flatten',
    shape: [2, 3, 4, 5],
    result: [2, 60],
    call: (x) => flatten(x),
    from: ([a = 0, b = 0]) => coordinates(a * 60 + b, [2, 3, 4, 5]),
  },
  { title: 'to channels last', shape: [2, 3, 4, 5], result: [2, 3, 4, 5], call: (x) => toFormat(x, 'channelsLast'), from: (at) => at },
  { title: 'to row-major', shape: [3, 8, 2, 2], result: [3, 8, 2, 2], call: (x) => toFormat(x, 'rowMajor'), from: (at) => at },
];

describe('ops that move elements', () => {
  for (const { title, shape, result, call, from, fill = 0 } of moves)
    it(`${title}: values and gradient`, async () => {
      const data = parityFill(sizeOf(shape), { seed: 110 });
      const weights = parityFill(sizeOf(result), { seed: 111 });
      const places = Array.from({ length: sizeOf(result) }, (_, i) =>
        from(coordinates(i, result))?.reduce((sum, c, d) => sum + c * (strides(shape)[d] as number), 0),
      );
      const expected = places.map((at) => (at === undefined ? fill : (data[at] as number)));
      const gradient = new Float64Array(data.length);
      places.forEach((at, i) => {
        if (at !== undefined) (gradient[at] as number) += weights[i] as number;
      });
      for (const format of shape.length === 4 ? formats : (['rowMajor'] as const)) {
        const [y, dx] = scope(() => {
          const x = tensor(data, { shape, format, device, requiresGrad: true });
          const made = call(x);
          return [made.detach(), ...grad(made, [x], { gradient: tensor(weights, { shape: result, device }) })];
        }) as [Tensor, Tensor];
        expect(y.shape).toEqual(result);
        expect([...(await y.read())]).toEqual(expected);
        const got = await dx.read();
        // Only expand adds; its few terms round once or twice.
        for (let i = 0; i < got.length; i++) expect(Math.abs((got[i] as number) - (gradient[i] as number))).toBeLessThan(2e-6);
        y.dispose();
        dx.dispose();
      }
    });

  it('cat: along every dimension, in both formats and mixed, with its gradients', async () => {
    for (const dim of [0, 1, 2, 3, -1]) {
      const along = (dim + 4) % 4;
      const parts = [3, 1, 4].map((length) => [2, 4, 3, 5].map((d, i) => (i === along ? length : d)));
      const total = parts[0]?.map((d, i) => (i === along ? 8 : d)) as number[];
      const data = parts.map((s, i) => parityFill(sizeOf(s), { seed: 120 + i }));
      const weights = parityFill(sizeOf(total), { seed: 125 });
      const expected = Array.from({ length: sizeOf(total) }, (_, i) => {
        const at = coordinates(i, total);
        const c = at[along] as number;
        const part = c < 3 ? 0 : c < 4 ? 1 : 2;
        at[along] = c - ([0, 3, 4][part] as number);
        return { part, index: at.reduce((sum, v, d) => sum + v * (strides(parts[part] as number[])[d] as number), 0) };
      });
      for (const first of formats)
        for (const second of formats) {
          const [y, ...gradients] = scope(() => {
            const xs = parts.map((shape, i) =>
              tensor(data[i] as Float32Array, { shape, format: i === 0 ? first : second, device, requiresGrad: true }),
            );
            const made = cat(xs, { dim });
            return [made.detach(), ...grad(made, xs, { gradient: tensor(weights, { shape: total, device }) })];
          }) as [Tensor, ...Tensor[]];
          expect(y.format).toBe(first === 'rowMajor' && second === 'rowMajor' ? 'rowMajor' : 'channelsLast');
          expect([...(await y.read())]).toEqual(expected.map(({ part, index }) => data[part]?.[index]));
          const wanted = parts.map((s) => new Float32Array(sizeOf(s)));
          expected.forEach(({ part, index }, i) => {
            (wanted[part] as Float32Array)[index] = weights[i] as number;
          });
          for (const [i, g] of gradients.entries()) expect([...(await g.read())]).toEqual([...(wanted[i] as Float32Array)]);
          for (const t of [y, ...gradients]) t.dispose();
        }
    }
  });

  it('cat: more tensors than a kernel binds; one; empty ones', async () => {
    const parts = Array.from({ length: 19 }, (_, i) => tensor([i, i + 0.5], { device }));
    expect([...(await cat(parts).read())]).toEqual(Array.from({ length: 38 }, (_, i) => i / 2));
    expect([...(await cat([parts[3] as Tensor]).read())]).toEqual([3, 3.5]);
    expect([...(await cat([tensor(new Float32Array(0), { shape: [0], device }), parts[1] as Tensor]).read())]).toEqual([1, 1.5]);
  });

  it('keeps the bits of every dtype', async () => {
    for (const dtype of device.target.f16 ? (['f16', 'i32', 'u32'] as const) : (['i32', 'u32'] as const)) {
      const data = Array.from({ length: 24 }, (_, i) => (dtype === 'f16' ? i : i + 2 ** 24 + 1));
      const x = tensor(data, { shape: [2, 3, 4], dtype, device });
      expect([...(await permute(x, [2, 1, 0]).read())]).toEqual(
        Array.from({ length: 24 }, (_, i) => data[(i % 2) * 12 + (Math.floor(i / 2) % 3) * 4 + Math.floor(i / 6)]),
      );
      expect([...(await narrow(x, { dim: 2, start: 1, length: 3 }).read())]).toEqual(data.filter((_, i) => i % 4 > 0));
      expect([...(await expand(narrow(x, { dim: 0, start: 0, length: 1 }), [2, 3, 4]).read())]).toEqual([
        ...data.slice(0, 12),
        ...data.slice(0, 12),
      ]);
    }
  });

  it('says what does not fit', () => {
    const x = tensor(parityFill(24, { seed: 1 }), { shape: [2, 3, 4], device });
    expect(() => permute(x, [0, 1])).toThrow('not an order of the dimensions');
    expect(() => narrow(x, { dim: 1, start: 2, length: 2 })).toThrow('outside dimension 1');
    expect(() => pad(x, { pad: [1] })).toThrow('pairs of whole numbers');
    expect(() => cat([x, tensor([1], { device })])).toThrow('does not join');
    expect(() => reshape(x, [5, -1])).toThrow('does not fit shape');
    expect(() => expand(x, [2, 3, 8])).toThrow('only sizes of 1 grow');
  });
});

describe('copy and fill kernels', () => {
  it('move by vectors exactly where both sides are aligned', async () => {
    const region = (shape: number[], from: number[], to: number[], source = 0, target = 0) => ({
      shape,
      dtype: 'f32' as const,
      source: { strides: from, offset: source },
      target: { strides: to, offset: target },
    });
    const name = (r: ReturnType<typeof region>): string => planCopyRegions([r], gpu.target).dispatches[0]?.kernel.name ?? '';
    expect(name(region([3, 8], [16, 1], [8, 1], 4))).toMatch(/ lanes=4$/);
    expect(name(region([3, 8], [16, 1], [8, 1], 2))).toMatch(/ lanes=1$/);
    expect(name(region([3, 8], [10, 1], [8, 1]))).toMatch(/ lanes=1$/);
    expect(name(region([3, 8], [1, 3], [8, 1]))).toMatch(/ lanes=1$/);
    const x = parityFill(64, { seed: 2 });
    const { y } = await gpu.run(planCopyRegions([region([3, 8], [16, 1], [8, 1], 4)], gpu.target), { x }, { y: 96 });
    expect([...new Float32Array(y as ArrayBuffer)]).toEqual(Array.from({ length: 24 }, (_, i) => x[4 + Math.floor(i / 8) * 16 + (i % 8)]));
  });

  it('of a GPU’s compiled step: boxes of rows that differ in their sizes share a kernel, halves move by vectors too', async () => {
    const onGpu = { ...gpu.target, software: false, bake: true };
    for (const dtype of ['f32', 'f16', 'i32'] as const) {
      if (dtype === 'f16' && !gpu.target.f16) continue;
      // Rows joined, as cat and narrow along channels do: 12 of 24 to the end of 36.
      const rows = (count: number, length: number, into: number) => ({
        shape: [count, length],
        dtype,
        source: { strides: [2 * length, 1], offset: length },
        target: { strides: [3 * length, 1], offset: into },
      });
      const plans = [rows(5, 12, 24), rows(7, 8, 0), rows(300, 60, 120)].map((region) => planCopyRegions([region], onGpu));
      const kernels = plans.map(({ dispatches }) => dispatches[0]?.kernel.name ?? '');
      expect(new Set(kernels).size).toBe(1);
      expect(kernels[0]).toMatch(/ lanes=4\b/);
      const bytes = dtype === 'f16' ? 2 : 4;
      const x =
        dtype === 'f16' ? Uint16Array.from({ length: 120 }, (_, i) => 0x7c00 + i) : Uint32Array.from({ length: 120 }, (_, i) => i + 1);
      const { y } = await gpu.run(plans[0] as Plan, { x }, { y: 180 * bytes });
      const got = dtype === 'f16' ? new Uint16Array(y as ArrayBuffer) : new Uint32Array(y as ArrayBuffer);
      const wanted = Array.from({ length: 180 }, (_, i) => (i % 36 < 24 ? 0 : (x[Math.floor(i / 36) * 24 + 12 + (i % 36) - 24] as number)));
      expect([...got]).toEqual(wanted);
    }
  });

  it('fill every dtype, odd counts of halves included', async () => {
    const fill = async (dtype: 'f32' | 'f16' | 'i32' | 'u32', value: number, count: number): Promise<ArrayBuffer> =>
      (await gpu.run(planFill({ count, value, dtype }, gpu.target), {}, { y: count * (dtype === 'f16' ? 2 : 4) })).y as ArrayBuffer;
    expect([...new Float32Array(await fill('f32', -0.1, 3))]).toEqual(new Array(3).fill(Math.fround(-0.1)));
    expect([...new Int32Array(await fill('i32', -7, 2))]).toEqual([-7, -7]);
    expect([...new Uint32Array(await fill('u32', 0xffffffff, 2))]).toEqual([0xffffffff, 0xffffffff]);
    expect([...new Uint16Array(await fill('f16', 1.5, 5))]).toEqual(new Array(5).fill(0x3e00));
  });

  it('run more than 65,535 workgroups', async () => {
    // Odd rows: one element a thread.
    const [rows, columns] = [65_535, 65];
    const region = {
      shape: [rows, columns],
      dtype: 'f32' as const,
      source: { strides: [1, rows], offset: 0 },
      target: { strides: [columns, 1], offset: 0 },
    };
    const x = new Float32Array(rows * columns).map((_, i) => i % 4093);
    const { y } = await gpu.run(planCopyRegions([region], gpu.target), { x }, { y: rows * columns * 4 });
    const got = new Float32Array(y as ArrayBuffer);
    expect(got.every((v, i) => v === ((i % columns) * rows + Math.floor(i / columns)) % 4093)).toBe(true);
  });
});
