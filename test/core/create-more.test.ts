import {
  arange,
  chunk,
  compile,
  type Device,
  eye,
  fullLike,
  OpError,
  OutOfMemoryError,
  onesLike,
  openDevice,
  split,
  squeeze,
  stack,
  std,
  transpose,
  unsqueeze,
  zeros,
  zerosLike,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

describe('tensors made without numbers of one’s own, as PyTorch makes them', () => {
  it('arange: whole numbers are i32, others f32, the end is not reached', async () => {
    for (const [made, values, dtype] of [
      [arange(5), [0, 1, 2, 3, 4], 'i32'],
      [arange(7, { start: 2, step: 2 }), [2, 4, 6], 'i32'],
      [arange(0, { start: 3, step: -1 }), [3, 2, 1], 'i32'],
      [arange(1, { step: 0.25 }), [0, 0.25, 0.5, 0.75], 'f32'],
      [arange(3, { dtype: 'f32' }), [0, 1, 2], 'f32'],
      [arange(0), [], 'i32'],
    ] as const) {
      expect(made.dtype).toBe(dtype);
      expect([...(await made.read())]).toEqual(values);
    }
  });

  it('eye', async () => {
    const made = eye(2, { columns: 3 });
    expect(made.shape).toEqual([2, 3]);
    expect([...(await made.read())]).toEqual([1, 0, 0, 0, 1, 0]);
    expect([...(await eye(0).read())]).toEqual([]);
  });

  it('zerosLike, onesLike, fullLike take shape, type and format; in a compiled function, too', async () => {
    const x = zeros([1, 2, 1, 2], { dtype: 'f16', format: 'channelsLast', device });
    const step = compile(() => [zerosLike(x), onesLike(x), fullLike(x, 0.5)], { device });
    for (const made of [[zerosLike(x), onesLike(x), fullLike(x, 0.5)], step()])
      for (const [i, y] of made.entries()) {
        expect([y.shape, y.dtype, y.format]).toEqual([x.shape, x.dtype, x.format]);
        expect([...(await y.read())]).toEqual(Array(4).fill([0, 1, 0.5][i]));
      }
    expect(onesLike(x, { dtype: 'i32' }).dtype).toBe('i32');
    step.dispose();
  });
});

it('sizes of zero: parts of nothing, and nothing stacked', async () => {
  const none = zeros([0, 3], { device });
  expect(split(none, 2).map((x) => x.shape)).toEqual([[0, 3]]);
  expect(chunk(none, 3).map((x) => x.shape)).toEqual(Array(3).fill([0, 3]));
  expect(stack([none, none], { dim: 1 }).shape).toEqual([0, 2, 3]);
  expect(transpose(none, [0, 1]).shape).toEqual([3, 0]);
  expect(squeeze(zeros([0, 1], { device })).shape).toEqual([0]);
});

it('what makes no sense is refused in words', () => {
  const x = zeros([2, 3], { device });
  for (const [wrong, words] of [
    [() => arange(3, { start: 5 }), 'no steps of 1 lead from 5 to 3'],
    [() => arange(3, { step: 0 }), 'no steps of 0'],
    [() => eye(2.5), 'rows'],
    [() => unsqueeze(x, 4), 'dim 4 is no place in [2, 3]; it takes -3 to 2'],
    [() => squeeze(x, 2), 'dim 2 is no dimension'],
    [() => transpose(x, 0 as never, 1 as never), '[0, 1]'],
    [() => stack([]), 'takes a list of tensors'],
    [() => stack([x], { dim: 3 }), 'stack: dim 3 is no place in [2, 3]; it takes -3 to 2'],
    [() => stack([x, zeros([3, 2], { device })]), 'tensors[1] is [3, 2] f32 and the first [2, 3] f32'],
    [() => split(x, [1, 3], { dim: 1 }), 'add up to 3'],
    [() => split(x, 0), 'sizes'],
    [() => chunk(x, 0), 'chunks'],
    [() => std(x, { dims: [0], correction: 2 }), 'std: needs more than 2 values'],
  ] as const) {
    expect(wrong).toThrow(OpError);
    expect(wrong).toThrow(words);
  }
});

it('more than the device can hold is refused before the host makes the numbers', () => {
  expect(() => arange(1e10, { device })).toThrow(OutOfMemoryError);
  expect(() => eye(1e6, { device })).toThrow(OutOfMemoryError);
});
