import { cast, conv2d, type Device, grad, OpError, openDevice, type Tensor, tensor } from '@initlab/core';
import { type Conv2dDirection, conv2dOutputSize } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dArrays, conv2dProblem } from './support/conv2d-run.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const problem = conv2dProblem({
  batch: 2,
  inChannels: 4,
  outChannels: 6,
  groups: 2,
  inHeight: 7,
  inWidth: 6,
  kernelHeight: 3,
  kernelWidth: 2,
  stride: [2, 1],
  padding: [1, 0],
  bias: true,
});
const { batch, inChannels, inHeight, inWidth, outChannels, groups, kernelHeight, kernelWidth, stride, padding } = problem;
const options = { stride, padding, groups };
const arrays = conv2dArrays(problem, 5);
const shapes = {
  x: [batch, inChannels, inHeight, inWidth],
  weight: [outChannels, inChannels / groups, kernelHeight, kernelWidth],
  y: [batch, outChannels, ...conv2dOutputSize(problem)],
};
const put = (values: ArrayLike<number>, shape: readonly number[]): Tensor =>
  tensor(Float32Array.from(values), { shape, device, requiresGrad: true });
const operands = (): { x: Tensor; weight: Tensor; bias: Tensor } => ({
  x: put(arrays.x, shapes.x),
  weight: put(arrays.weight, shapes.weight),
  bias: put(arrays.bias ?? [], [outChannels]),
});
const onCpu = (direction: Conv2dDirection, replaced: Partial<typeof arrays> = {}): Float64Array =>
  conv2dOnCpu(problem, direction, { ...arrays, ...replaced });
const wrong = async (label: string, got: Tensor | undefined, expected: ArrayLike<number>): Promise<string> =>
  differs(label, (await got?.read()) ?? [], expected);

describe('conv2d', () => {
  it('has the shape and the values of the definition, and three gradients', async () => {
    const { x, weight, bias } = operands();
    const y = conv2d(x, weight, { ...options, bias });
    expect(y.shape).toEqual(shapes.y);
    expect(await wrong('y', y, onCpu('forward'))).toBe('');
    const dy = put(arrays.dy, shapes.y);
    const [dx, dw, db] = grad(y.mul(dy).sum(), [x, weight, bias]);
    expect(await wrong('dx', dx, onCpu('gradInput'))).toBe('');
    expect(await wrong('dw', dw, onCpu('gradWeight'))).toBe('');
    const perChannel = new Float64Array(outChannels);
    const pixels = (shapes.y[2] ?? 0) * (shapes.y[3] ?? 0);
    arrays.dy.forEach((value, i) => {
      const channel = Math.floor(i / pixels) % outChannels;
      perChannel[channel] = (perChannel[channel] as number) + value;
    });
    expect(await wrong('db', db, perChannel)).toBe('');
  });

  it('takes one number for both axes', async () => {
    const { x, weight } = operands();
    const twice = conv2d(x, weight, { stride: 2, padding: 1, groups });
    expect(twice.shape).toEqual(conv2d(x, weight, { stride: [2, 2], padding: [1, 1], groups }).shape);
  });

  // Every product is linear in both operands, so the gradients of ⟨dx, u⟩ and ⟨dw, v⟩ are products again.
  it('is differentiable twice', async () => {
    const { x, weight } = operands();
    const dy = put(arrays.dy, shapes.y);
    const [dx, dw] = grad(conv2d(x, weight, options).mul(dy).sum(), [x, weight], { createGraph: true });
    const u = parityFill(arrays.x.length, { seed: 91 });
    const v = parityFill(arrays.weight.length, { seed: 92 });
    const noBias = { bias: undefined };
    const [dxWeight, dxDy] = grad((dx as Tensor).mul(put(u, shapes.x)).sum(), [weight, dy], { retainGraph: true });
    expect(await wrong('∂⟨dx, u⟩/∂weight', dxWeight, onCpu('gradWeight', { x: u }))).toBe('');
    expect(await wrong('∂⟨dx, u⟩/∂dy', dxDy, onCpu('forward', { x: u, ...noBias }))).toBe('');
    const [dwX, dwDy] = grad((dw as Tensor).mul(put(v, shapes.weight)).sum(), [x, dy]);
    expect(await wrong('∂⟨dw, v⟩/∂x', dwX, onCpu('gradInput', { weight: v }))).toBe('');
    expect(await wrong('∂⟨dw, v⟩/∂dy', dwDy, onCpu('forward', { weight: v, ...noBias }))).toBe('');
  });

  it('says what is wrong and what would work', () => {
    const { x, weight, bias } = operands();
    const refused = (make: () => unknown, message: RegExp): void => {
      expect(make).toThrow(OpError);
      expect(make).toThrow(message);
    };
    refused(() => conv2d(weight.reshape([-1]), weight), /takes x \[N, C, H, W\]/);
    refused(() => conv2d(x, weight), /takes 2 input channels, x \[2, 4, 7, 6\] has 4/);
    refused(() => conv2d(x, weight, { groups: 3 }), /groups 3 must divide the 4 input and 6 output channels/);
    refused(() => conv2d(x, weight, { ...options, bias: x }), /bias \[2, 4, 7, 6\] should be \[6\]/);
    refused(() => conv2d(x, weight, { ...options, bias, stride: 0 }), /stride .* from 1/);
    refused(() => conv2d(x, weight, { ...options, padding: -1 }), /padding .* from 0/);
    refused(() => conv2d(x, weight, { groups, dilation: 4 }), /kernel 3×2 does not fit x \[2, 4, 7, 6\] with padding 0,0/);
    refused(() => conv2d(x, cast(weight, 'i32'), { groups }), /x is f32, weight i32; cast\(\) them alike/);
  });
});
