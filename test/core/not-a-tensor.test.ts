import {
  abs,
  adaptiveAvgPool2d,
  add,
  addInto,
  amax,
  argmax,
  autocast,
  avgPool2d,
  backward,
  batchNorm,
  cast,
  cat,
  clipGradNorm,
  conv2d,
  copyInto,
  type Device,
  detectAnomaly,
  dropout,
  elu,
  expand,
  flatten,
  full,
  gather,
  grad,
  groupNorm,
  instanceNorm,
  layerNorm,
  linear,
  matmul,
  maxPool2d,
  mean,
  narrow,
  noGrad,
  OpError,
  openDevice,
  pad,
  permute,
  rand,
  relu,
  reshape,
  rowNorms,
  scope,
  setDefaultDevice,
  softmax,
  sum,
  type Tensor,
  tensor,
  toFormat,
  weightNorm,
  where,
  zeros,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

let device: Device;
let x: Tensor;
let image: Tensor;
beforeAll(async () => {
  device = await openDevice();
  x = tensor([[1, 2, 3]], { device });
  image = zeros([1, 2, 4, 4], { device });
});
afterAll(() => device.close());

function refused(call: () => unknown, message: string): void {
  expect(call).toThrow(OpError);
  expect(call).toThrow(message);
}

/** What JavaScript passes by mistake in a tensor's place, and how the error shows it. */
const mistakes: readonly [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [[[1, 2, 3]], '[1,2,3]'],
  [Float32Array.of(1), 'Float32Array'],
  ['x', 'x'],
  [Object.create(null), 'an object'],
];

describe('what is no tensor is refused by the op and the operand', () => {
  const calls: Record<string, (y: Tensor) => unknown> = {
    abs: (y) => abs(y),
    adaptiveAvgPool2d: (y) => adaptiveAvgPool2d(y, 1),
    add: (y) => add(x, y),
    addInto: (y) => addInto(x, y),
    amax: (y) => amax(y),
    argmax: (y) => argmax(y),
    avgPool2d: (y) => avgPool2d(y, { kernelSize: 2 }),
    backward: (y) => backward(y),
    batchNorm: (y) => batchNorm(y, { training: true }),
    cast: (y) => cast(y, 'f16'),
    cat: (y) => cat([x, y]),
    clipGradNorm: (y) => clipGradNorm([y], { maxNorm: 1 }),
    conv2d: (y) => conv2d(y, image),
    'conv2d weight': (y) => conv2d(image, y),
    copyInto: (y) => copyInto(y, x),
    dropout: (y) => dropout(x, { p: 0.5, stream: 1, rng: y }),
    elu: (y) => elu(y),
    expand: (y) => expand(y, [2, 3]),
    flatten: (y) => flatten(y),
    gather: (y) => gather(y, y),
    grad: (y) => grad(x, [y]),
    groupNorm: (y) => groupNorm(y, { groups: 1 }),
    instanceNorm: (y) => instanceNorm(y),
    layerNorm: (y) => layerNorm(y, { normalizedShape: [3] }),
    linear: (y) => linear(y, x),
    'linear weight': (y) => linear(x, y),
    matmul: (y) => matmul(x, y),
    maxPool2d: (y) => maxPool2d(y, { kernelSize: 2 }),
    mean: (y) => mean(y),
    narrow: (y) => narrow(y, { dim: 0, start: 0, length: 1 }),
    pad: (y) => pad(y, { pad: [1, 1] }),
    permute: (y) => permute(y, [1, 0]),
    relu: (y) => relu(y),
    reshape: (y) => reshape(y, [3]),
    rowNorms: (y) => rowNorms(y),
    softmax: (y) => softmax(y, { dim: 0 }),
    sum: (y) => sum(y),
    toFormat: (y) => toFormat(y, 'channelsLast'),
    weightNorm: (y) => weightNorm(x, y),
    where: (y) => where(y, 1, 0),
    'where choice': (y) => where(x, y, 0),
  };
  it.each(Object.entries(calls))('%s', (_, call) => {
    for (const [mistake, shown] of mistakes) refused(() => call(untyped(mistake)), shown);
  });

  it('says what to do of a promise', () => {
    refused(() => relu(untyped(Promise.resolve(x))), 'relu: x is Promise, not a tensor; await it first');
    refused(() => relu(untyped([1])), 'relu: x is [1], not a tensor; make one with tensor(…)');
  });
});

describe('a mode without a body', () => {
  it('is refused: it would hold for nothing', async () => {
    refused(() => noGrad(untyped(undefined)), 'noGrad: takes what to run as a function: noGrad(() => …)');
    refused(() => autocast(untyped(undefined)), 'autocast: takes what to run as a function');
    refused(() => scope(untyped(undefined)), 'scope: takes what to run as a function');
    await expect(detectAnomaly(untyped(undefined), { device })).rejects.toThrow('detectAnomaly: takes what to run as a function');
  });
});

describe('values that a tensor cannot hold', () => {
  it('something else than numbers', () => {
    for (const value of [undefined, null, '3', [1], 1n]) {
      const data = untyped<number[]>([0, value, 0]);
      refused(() => zeros([3], { device }).set(data), 'set: element 1 is');
    }
    refused(() => zeros([3], { device }).set(untyped(undefined)), 'set: takes an array of numbers in row-major order, got undefined');
    refused(() => zeros([1], { device }).set(untyped(BigInt64Array.of(1n))), 'got BigInt64Array');
  });

  it('NaN, infinities and what is out of range as whole numbers', async () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 31) - 1]) {
      refused(() => tensor([0, value], { device, dtype: 'i32' }), `tensor: element 1 is ${value}, which is no i32`);
      refused(() => tensor(Float32Array.of(Number.NaN), { device, dtype: 'i32' }), 'element 0 is NaN');
      refused(() => zeros([1], { device, dtype: 'i32' }).set([value]), 'set: element 0');
      refused(() => full([1], value, { device, dtype: 'i32' }), 'full: element 0');
    }
    refused(() => tensor([-1], { device, dtype: 'u32' }), 'which is no u32; give whole numbers from 0 to 4294967295');
    expect([...(await tensor([-1.5, 2 ** 31 - 1], { device, dtype: 'i32' }).read())]).toEqual([-1, 2 ** 31 - 1]);
    expect([...(await tensor([2 ** 32 - 1], { device, dtype: 'u32' }).read())]).toEqual([2 ** 32 - 1]);
  });
});

it('flatten refuses what is no dimension, as PyTorch', () => {
  refused(() => flatten(x, 2), 'flatten: startDim 2 is no dimension of [1, 3]');
  refused(() => flatten(x, -3), 'startDim -3');
  refused(() => flatten(tensor([1, 2], { device })), 'startDim 1 is no dimension of [2]');
  expect(flatten(tensor(1, { device }), 0).shape).toEqual([1]);
  expect(flatten(x, -2).shape).toEqual([3]);
});

describe('devices and formats under other names', () => {
  it('PyTorch’s devices', () => {
    const cuda = untyped<Device>('cuda');
    for (const make of [() => zeros([2], { device: cuda }), () => tensor([1], { device: cuda }), () => rand([2], { device: cuda })])
      refused(make, 'device is cuda; give what openDevice() resolves to');
    refused(() => setDefaultDevice(untyped(undefined)), 'setDefaultDevice: device is undefined');
  });

  it('formats: one that no op knows would be read as another', () => {
    const format = untyped<'rowMajor'>('NHWC');
    const refusal = 'format NHWC is unknown; it is rowMajor, channelsLast';
    refused(() => zeros([1, 2, 2, 2], { device, format }), refusal);
    refused(() => tensor([1, 2], { shape: [1, 2, 1, 1], device, format }), refusal);
    refused(() => rand([1, 2, 2, 2], { device, format }), refusal);
    refused(() => toFormat(image, format), refusal);
    refused(() => expand(image, [3, 2, 4, 4], { format }), refusal);
  });

  it('options of openDevice', async () => {
    await expect(openDevice(untyped({ labels: 'x' }))).rejects.toThrow('openDevice: there is no option labels; did you mean label?');
    await expect(openDevice(untyped('x'))).rejects.toThrow('openDevice: options come as an object');
    for (const memoryLimit of [-1, 0, Number.NaN])
      await expect(openDevice({ memoryLimit })).rejects.toThrow(`openDevice: memoryLimit is ${memoryLimit}; give a number above 0`);
  });
});
