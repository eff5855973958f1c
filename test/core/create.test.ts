import { compile, type Device, empty, full, ones, openDevice, tensor, zeros } from '@initlab/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

it('takes the element type from a typed array', async () => {
  expect(tensor(Int32Array.of(1, -2)).dtype).toBe('i32');
  expect(await tensor(Uint32Array.of(2 ** 32 - 1)).read()).toEqual(Uint32Array.of(2 ** 32 - 1));
  for (const data of [Float32Array.of(1), Float64Array.of(1), Uint8Array.of(1), [1]]) expect(tensor(data).dtype).toBe('f32');
  expect(tensor(Int32Array.of(1), { dtype: 'f32' }).dtype).toBe('f32');
});

it('takes nested arrays of equal lengths only', async () => {
  const x = tensor([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  ]);
  expect(x.shape).toEqual([2, 2, 2]);
  expect([...(await x.read())]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(tensor(3).shape).toEqual([]);
  expect(tensor([]).shape).toEqual([0]);
  expect(tensor([[], []]).shape).toEqual([2, 0]);
  expect(() => tensor([[1, 2], [3, 4, 5], [6]])).toThrow('tensor: nested arrays are equally long');
  expect(() => tensor([[1, 2], [3, 4, 5], [6]])).toThrow('data[1] should be an array of 2, got an array of 3');
  expect(() => tensor([[1, 2], 3])).toThrow('data[1] should be an array of 2, got number');
  expect(() => tensor([1, [2]])).toThrow('data[1] should be a number, got an array of 1');
});

it('refuses what is no number', () => {
  expect(() => tensor(untyped([true]))).toThrow('data[0] should be a number, got boolean; write 1 and 0');
  for (const data of [true, 'abc', {}, null, undefined, new BigInt64Array(1)])
    expect(() => tensor(untyped(data))).toThrow('tensor: takes a number, nested');
  expect(() => tensor([1, 2, 3], { shape: [2, 2] })).toThrow('got 3 numbers for shape [2, 2] (4)');
});

it('refuses what is no shape, type or option', () => {
  expect(() => zeros(untyped(3))).toThrow('zeros: takes a shape as a list, e.g. [2, 3], got 3');
  expect(() => untyped<(...sizes: number[]) => void>(ones)(2, 3)).toThrow('ones: takes a shape as a list');
  expect(() => zeros([2], untyped(3))).toThrow('zeros: options come as an object, { dtype: … }, got 3');
  expect(() => empty([-1])).toThrow('empty: shape [-1] is not made of whole numbers');
  expect(() => full([2], untyped('1'))).toThrow('full: takes a number to fill with, got string');
  expect(() => zeros([2], untyped({ dtype: 'float32' }))).toThrow('zeros: dtype float32 is unknown; it is f32, f16, i32, u32');
  expect(() => tensor([2], untyped({ dtpye: 'i32' }))).toThrow('tensor: there is no option dtpye; its options are dtype, device');
  expect(() => tensor([1]).to(untyped('float32'))).toThrow('cast: dtype float32 is unknown');
});

it('fills on the device', async () => {
  expect([...(await full([2, 3], -0.1).read())]).toEqual(new Array(6).fill(Math.fround(-0.1)));
  expect(await full([5], -7, { dtype: 'i32' }).read()).toEqual(new Int32Array(5).fill(-7));
  expect(await full([5], 4e9, { dtype: 'u32' }).read()).toEqual(new Uint32Array(5).fill(4e9));
  expect([...(await full([2], Number.NEGATIVE_INFINITY).read())]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  expect(await full([2], Number.NaN).read()).toEqual(new Float32Array(2).fill(Number.NaN));
  expect(zeros([0, 3]).size).toBe(0);
  if (device.target.f16)
    for (const value of [1, 0.1, -65504, Number.POSITIVE_INFINITY])
      expect(await full([3], value, { dtype: 'f16' }).read(), `${value}`).toEqual(
        await tensor([value, value, value], { dtype: 'f16' }).read(),
      );
});

it('fills a buffer larger than a binding in parts', async () => {
  const narrow = await openDevice({ target: { maxStorageBinding: 1000 } });
  expect(await ones([1000], { device: narrow }).read()).toEqual(new Float32Array(1000).fill(1));
  narrow.close();
});

it('refuses a size the device lacks before the host makes it', () => {
  expect(() => zeros([40_000, 40_000, 100])).toThrow(/out of GPU memory: tensor asked for 640000000000 bytes/);
});

it('is a constant of a compiled function', async () => {
  const step = compile((x) => x.add(full([2], 3)));
  const x = tensor([1, 2]);
  for (let i = 0; i < 2; i++) expect([...(await (await step(x)).read())]).toEqual([4, 5]);
});
