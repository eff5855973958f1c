import { type Device, fromHalf, Generator, openDevice, setDefaultDevice, type Tensor, tensor, uniform, zeros } from '@initlab/core';
import { halfOpen } from '@initlab/core/internal';
import { kaimingUniform_, uniform_, xavierUniform_ } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
});
afterAll(() => device.close());
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())];

/** Ranges whose numbers round to their upper or lower bound. */
const ranges: readonly (readonly [number, number])[] = [
  [0, 1],
  [1, 2],
  [-1, 0],
  [-1, 1],
  [0.7, 1.3],
  [-0.7, -0.3],
  [2 ** 24, 2 ** 24 + 2],
  [-(2 ** 24) - 2, -(2 ** 24)],
  [1e6, 1e6 + 0.2],
  [-1e-40, 1e-40],
  [0, 1e-45],
];

describe('U[a, b) gives no b, and nothing below a', () => {
  it.each(ranges)('[%d, %d): its least and greatest number of f32', (low, high) => {
    const { least, most } = halfOpen(low, high, 'f32');
    expect(Math.fround(least)).toBe(least);
    expect(least).toBeGreaterThanOrEqual(low);
    expect(most).toBeLessThan(high);
    expect(Math.fround(most)).toBe(most);
    // Nothing lies between them and the bounds.
    expect(Math.fround((most + high) / 2) === most || Math.fround((most + high) / 2) >= high).toBe(true);
  });

  it('halves', () => {
    expect(halfOpen(0, 1, 'f16')).toEqual({ least: 0, most: 1 - 2 ** -11 });
    expect(halfOpen(-1, 0, 'f16')).toEqual({ least: -1, most: -(2 ** -24) });
    expect(halfOpen(-(2 ** -24), 2 ** -24, 'f16')).toEqual({ least: -(2 ** -24), most: 0 });
    expect(halfOpen(1, 1.0001, 'f16')).toEqual({ least: 1, most: 1 });
    expect(halfOpen(1.0001, 1.0002, 'f16')).toEqual({ least: fromHalf(0x3c00), most: 1 });
  });

  it.each(ranges)('[%d, %d): the extreme draws of the host', async (low, high) => {
    for (const draw of [0, 1 - 2 ** -53, 0.5, 1 - 2 ** -24]) {
      const [got = Number.NaN] = await numbers(uniform_(zeros([1]), { a: low, b: high, generator: untyped({ uniform: () => draw }) }));
      expect(got, `draw ${draw}`).toBeGreaterThanOrEqual(low);
      expect(got, `draw ${draw}`).toBeLessThan(high);
    }
  });

  it.each(ranges)('[%d, %d): on the device', async (low, high) => {
    const rng = tensor(Uint32Array.of(7, 0, 0, 0));
    for (const y of await numbers(uniform([4000], { rng, stream: 1, low, high }))) {
      expect(y).toBeGreaterThanOrEqual(low);
      expect(y).toBeLessThan(high);
    }
  });

  it('also of the initialisers that draw so, and of a draw that really comes', async () => {
    const generator = untyped<Generator>({ uniform: () => 1 - 2 ** -53 });
    const bound = Math.sqrt(6 / (3 + 4));
    for (const x of [kaimingUniform_(zeros([4, 3]), { a: Math.sqrt(5), generator }), xavierUniform_(zeros([4, 3]), { generator })])
      for (const v of await numbers(x)) expect(v).toBeLessThan(bound);
    const [got] = await numbers(uniform_(zeros([1]), { generator: Generator.from({ seed: 0, stream: 0, offset: 99850914 }) }));
    expect(got).toBe(1 - 2 ** -24);
  });

  it('a range of one number gives it', async () => {
    expect(await numbers(uniform_(zeros([2]), { a: 0.5, b: 0.5 }))).toEqual([0.5, 0.5]);
    const rng = tensor(Uint32Array.of(7, 0, 0, 0));
    expect(await numbers(uniform([2], { rng, stream: 1, low: 0.5, high: 0.5 }))).toEqual([0.5, 0.5]);
  });

  it('of halves, where the adapter has them', async () => {
    if (!device.caps.f16) return;
    const generator = untyped<Generator>({ uniform: () => 1 - 2 ** -53 });
    expect(await numbers(uniform_(zeros([1], { dtype: 'f16' }), { generator }))).toEqual([1 - 2 ** -11]);
  });
});
