import {
  adaptiveAvgPool2d,
  amax,
  avgPool2d,
  batchNorm,
  cat,
  clamp,
  conv2d,
  crossEntropy,
  type Device,
  dropout,
  groupNorm,
  instanceNorm,
  layerNorm,
  linear,
  matmul,
  maxPool2d,
  mean,
  mseLoss,
  narrow,
  OpError,
  openDevice,
  pad,
  sigmoid,
  softmax,
  sum,
  type Tensor,
  tensor,
  uniform,
  variance,
  zeros,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const rng = (): Tensor => tensor(Uint32Array.of(1, 0, 0, 0));
function refused(call: () => unknown, message: string): void {
  expect(call).toThrow(OpError);
  expect(call).toThrow(message);
}

describe('ops of floats name the type of whole numbers and the remedy', () => {
  const image = (): Tensor => zeros([2, 4, 4, 4], { dtype: 'i32' });
  const matrix = (): Tensor => zeros([2, 4], { dtype: 'i32' });
  const calls: [string, () => unknown][] = [
    ['batchNorm', () => batchNorm(image(), { training: true })],
    ['groupNorm', () => groupNorm(image(), { groups: 2 })],
    ['instanceNorm', () => instanceNorm(image())],
    ['layerNorm', () => layerNorm(matrix(), { normalizedShape: [4] })],
    ['dropout', () => dropout(matrix(), { p: 0.5, rng: rng(), stream: 1 })],
    ['avgPool2d', () => avgPool2d(image(), { kernelSize: 2 })],
    ['maxPool2d', () => maxPool2d(image(), { kernelSize: 2 })],
    ['adaptiveAvgPool2d', () => adaptiveAvgPool2d(image(), 2)],
    ['conv2d', () => conv2d(image(), zeros([4, 4, 1, 1]))],
    ['crossEntropy', () => crossEntropy(matrix(), zeros([2], { dtype: 'i32' }))],
    ['mseLoss', () => mseLoss(matrix(), matrix())],
    ['mean', () => mean(matrix())],
    ['sigmoid', () => sigmoid(matrix())],
  ];
  for (const [name, call] of calls)
    it(name, () => {
      refused(call, `${name}: takes floating-point tensors, got i32`);
      refused(call, ".to('f32')");
    });

  it('parameters of norms, and random states', () => {
    const whole = { weight: zeros([4], { dtype: 'i32' }), bias: zeros([4]) };
    refused(() => groupNorm(zeros([2, 4]), { groups: 2, ...whole }), 'groupNorm: weight is i32, but has to be f32');
    refused(
      () => batchNorm(zeros([2, 4]), { runningMean: zeros([4]), runningVar: zeros([4], { dtype: 'u32' }) }),
      'batchNorm: runningVar is u32, but has to be f32',
    );
    refused(() => dropout(zeros([2]), { p: 0.5, rng: zeros([4]), stream: 1 }), 'dropout: rng is u32 [4]');
    refused(() => softmax(matrix(), { dim: 1 }), 'softmax: x is i32, but has to be f32');
  });
});

describe('options', () => {
  const x = (): Tensor => zeros([2, 4, 4, 4]);
  const m = (): Tensor => zeros([2, 4]);
  const unknown: [string, (options: never) => unknown][] = [
    ['sum', (o) => sum(m(), o)],
    ['mean', (o) => m().mean(o)],
    ['amax', (o) => amax(m(), o)],
    ['variance', (o) => variance(m(), o)],
    ['conv2d', (o) => conv2d(x(), zeros([4, 4, 1, 1]), o)],
    ['linear', (o) => linear(m(), m(), o)],
    ['maxPool2d', (o) => maxPool2d(x(), o)],
    ['avgPool2d', (o) => avgPool2d(x(), o)],
    ['batchNorm', (o) => batchNorm(x(), o)],
    ['groupNorm', (o) => groupNorm(x(), o)],
    ['instanceNorm', (o) => instanceNorm(x(), o)],
    ['layerNorm', (o) => layerNorm(x(), o)],
    ['softmax', (o) => softmax(m(), o)],
    ['crossEntropy', (o) => crossEntropy(m(), zeros([2], { dtype: 'i32' }), o)],
    ['mseLoss', (o) => mseLoss(m(), m(), o)],
    ['dropout', (o) => dropout(m(), o)],
    ['uniform', (o) => uniform([2], o)],
    ['narrow', (o) => narrow(m(), o)],
    ['pad', (o) => pad(m(), o)],
    ['cat', (o) => cat([m()], o)],
    ['clamp', (o) => clamp(m(), o)],
  ];
  for (const [name, call] of unknown)
    it(`${name} knows its own only`, () => {
      refused(() => call(untyped({ dimm: 1 })), `${name}: there is no option dimm; `);
      refused(() => call(untyped(1)), `${name}: options come as an object, {`);
      refused(() => call(untyped(m())), ', got Tensor');
    });

  it('lists what there is', () => {
    refused(
      () => sum(m(), untyped({ dimm: 1 })),
      'sum: there is no option dimm; did you mean dim? its options are dim, dims, keepdim, dtype',
    );
    refused(() => sum(m(), untyped({ dtype: 'i32' })), 'sum: dtype i32 is unknown; it is f32, f16');
    const labels = zeros([2], { dtype: 'i32' });
    refused(
      () => crossEntropy(m(), labels, untyped({ reduction: 'avg' })),
      'crossEntropy: reduction avg is unknown; it is mean, sum, none',
    );
  });

  it('reductions take dim as a number or a list, or dims', async () => {
    const y = tensor([
      [1, 2],
      [3, 5],
    ]);
    for (const options of [{ dim: 1 }, { dim: -1 }, { dim: [1] }, { dims: [1] }, { dims: 1 }]) {
      expect([...(await sum(y, options).read())]).toEqual([3, 8]);
      expect([...(await y.mean(options).read())]).toEqual([1.5, 4]);
      expect([...(await y.amax(options).read())]).toEqual([2, 5]);
      expect([...(await y.variance(options).read())]).toEqual([0.5, 2]);
    }
    expect(sum(y, { dim: 0, keepdim: true }).shape).toEqual([1, 2]);
    refused(() => sum(y, { dim: 0, dims: [1] }), 'sum: takes dim or dims');
    refused(() => sum(y, { dim: 2 }), 'sum: dimensions [2] are not all dimensions of shape [2, 2]');
  });
});

it('products say which sizes differ', () => {
  refused(() => linear(zeros([2, 3]), zeros([4, 5])), 'weight [4, 5] takes 5 features, but the last size of x [2, 3] is 3');
  refused(() => matmul(zeros([2, 3]), zeros([4, 5])), 'takes [m, k] and [k, n], got [2, 3] and [4, 5]: k is 3 and 4');
  refused(() => crossEntropy(zeros([2, 3]), zeros([2])), "target holds class indices (i32), got f32; cast() it, e.g. .to('i32')");
});
