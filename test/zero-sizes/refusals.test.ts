import {
  adaptiveAvgPool2d,
  amax,
  amin,
  argmax,
  argmin,
  avgPool2d,
  backward,
  batchNorm,
  cat,
  compile,
  conv2d,
  crossEntropy,
  type Device,
  expand,
  gather,
  groupNorm,
  instanceNorm,
  maxPool2d,
  mul,
  narrow,
  OpError,
  ones,
  openDevice,
  reshape,
  type Tensor,
  zeros,
} from '@initlab/core';
import { gatherImages } from '@initlab/core/internal';
import { BatchInstanceNorm, BatchNorm2d, GroupNorm, InstanceNorm2d } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectUsable } from './run-cases.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(async () => {
  await expectUsable(device);
  device.close();
});

const whole = (...shape: number[]): Tensor => zeros(shape, { dtype: 'i32' });
const labels = (count: number): Tensor => zeros([count], { dtype: 'i32' });

/** What PyTorch refuses, and how it is named here: by op and shape. */
const refusals: readonly (readonly [title: string, call: () => unknown, message: string])[] = [
  ['amax of a vector', () => amax(zeros([0])), 'amax: there is no extreme of nothing: dimension 0 of [0] has size 0'],
  ['amin over rows', () => amin(zeros([0, 3]), { dim: 0 }), 'amin: there is no extreme of nothing: dimension 0 of [0, 3] has size 0'],
  ['amax over two dimensions', () => amax(zeros([2, 0, 3]), { dim: [0, 1] }), 'dimension 1 of [2, 0, 3] has size 0'],
  ['argmax of rows without elements', () => argmax(zeros([3, 0]), { dim: 1 }), 'argmax: there is none of nothing: dimension 1 of [3, 0]'],
  [
    'argmin of no rows without elements',
    () => argmin(zeros([0, 0]), { dim: -1 }),
    'argmin: there is none of nothing: dimension 1 of [0, 0]',
  ],
  ['argmax of nothing at all', () => argmax(zeros([3, 0])), 'argmax: there is none of nothing: [3, 0] has no elements'],
  ['−1 beside 0', () => reshape(zeros([0, 3]), [0, -1]), 'reshape: −1 in [0, -1] can be any size for [0, 3], which has no elements'],
  ['−1 beside 0 and others', () => reshape(zeros([0, 3]), [-1, 5, 0]), 'reshape: −1 in [-1, 5, 0] can be any size for [0, 3]'],
  ['two of −1', () => reshape(zeros([0, 3]), [-1, -1]), 'reshape: [0, 3] (0 elements) does not fit shape [-1, -1]'],
  ['something to nothing', () => reshape(zeros([2, 3]), [0, -1]), 'reshape: [2, 3] (6 elements) does not fit shape [0, -1]'],
  ['nothing to something', () => reshape(zeros([0]), []), 'reshape: [0] (0 elements) does not fit shape []'],
  ['nothing expands', () => expand(zeros([0]), [3]), 'expand: [0] does not expand to [3]'],
  ['two expand to nothing', () => expand(zeros([2]), [0]), 'expand: [2] does not expand to [0]'],
  ['three beside nothing', () => ones([3]).add(zeros([0])), 'add: shapes [3] and [0] do not broadcast'],
  ['no rows joined to others', () => cat([zeros([0, 3]), zeros([2, 4])]), 'cat: [2, 4] f32 does not join [0, 3] f32 along 0'],
  ['a narrow part past the end', () => narrow(zeros([3, 2]), { dim: 0, start: 4, length: 0 }), 'narrow: 4 … 4 is outside'],
  ['an element of nothing', () => gather(zeros([0]), whole(2)), 'gather: there is nothing to take [2] elements from: x is [0]'],
  [
    'an image of none',
    () =>
      gatherImages(zeros([0], { dtype: 'u32' }), whole(2), {
        channels: 1,
        height: 2,
        width: 2,
        outChannels: 1,
        outHeight: 2,
        outWidth: 2,
        mean: [0],
        std: [1],
      }),
    'gatherImages: there are no images to take 2 from: images is [0]',
  ],
  ['rows of no classes', () => crossEntropy(zeros([2, 0]), labels(2)), 'crossEntropy: logits [2, 0] have no classes'],
  ['no output channels', () => conv2d(zeros([2, 3, 5, 5]), zeros([0, 3, 3, 3])), 'conv2d: weight [0, 3, 3, 3] has no output channels'],
  [
    'an empty kernel',
    () => conv2d(zeros([2, 3, 5, 5]), zeros([4, 3, 0, 3])),
    'conv2d: weight [4, 3, 0, 3] has no output channels or an empty kernel',
  ],
  [
    'images of no pixels',
    () => conv2d(zeros([2, 3, 0, 5]), zeros([4, 3, 3, 3]), { padding: 2 }),
    'conv2d: x [2, 3, 0, 5] has images of no pixels',
  ],
  [
    'a kernel beyond the images of none',
    () => conv2d(zeros([0, 3, 2, 2]), zeros([4, 3, 3, 3])),
    'conv2d: kernel 3×3 does not fit x [0, 3, 2, 2]',
  ],
  [
    'maxPool2d of no channels',
    () => maxPool2d(zeros([2, 0, 6, 6]), { kernelSize: 2 }),
    'maxPool2d: only the batch may have size 0, got x [2, 0, 6, 6]',
  ],
  [
    'avgPool2d of no pixels',
    () => avgPool2d(zeros([0, 3, 0, 6]), { kernelSize: 2, padding: 1 }),
    'avgPool2d: only the batch may have size 0, got x [0, 3, 0, 6]',
  ],
  [
    'adaptiveAvgPool2d of no pixels',
    () => adaptiveAvgPool2d(zeros([2, 3, 0, 6]), 3),
    'adaptiveAvgPool2d: x [2, 3, 0, 6] has images of no pixels',
  ],
];

/** Norms see no spread in a single value: PyTorch's rules, which are not the same for all. */
const single: readonly (readonly [title: string, call: () => unknown, message: string])[] = [
  [
    'batchNorm',
    () => batchNorm(zeros([1, 3, 1, 1]), { training: true }),
    'batchNorm: expected more than 1 value per channel when training, got [1, 3, 1, 1]',
  ],
  [
    'batchNorm of a matrix',
    () => batchNorm(zeros([1, 3]), { training: true }),
    'batchNorm: expected more than 1 value per channel when training, got [1, 3]',
  ],
  [
    'batchNorm of no channels',
    () => batchNorm(zeros([1, 0, 1, 1]), { training: true }),
    'batchNorm: expected more than 1 value per channel when training, got [1, 0, 1, 1]',
  ],
  ['BatchNorm2d', () => new BatchNorm2d(3).forward(zeros([1, 3, 1, 1])), 'batchNorm: expected more than 1 value per channel when training'],
  [
    'BatchInstanceNorm',
    () => new BatchInstanceNorm(3).forward(zeros([2, 3, 1, 1])),
    'instanceNorm: expected more than 1 value per image and channel',
  ],
  ['groupNorm', () => groupNorm(zeros([1, 4, 1, 1]), { groups: 4 }), 'groupNorm: expected more than 1 value per group, got [1, 4, 1, 1]'],
  [
    'GroupNorm of a matrix',
    () => new GroupNorm(4, 4).forward(zeros([1, 4])),
    'groupNorm: expected more than 1 value per group, got [1, 4]',
  ],
  [
    'instanceNorm',
    () => instanceNorm(zeros([2, 4, 1, 1])),
    'instanceNorm: expected more than 1 value per image and channel, got [2, 4, 1, 1]',
  ],
  [
    'instanceNorm of no images',
    () => instanceNorm(zeros([0, 4, 1, 1])),
    'instanceNorm: expected more than 1 value per image and channel, got [0, 4, 1, 1]',
  ],
  [
    'InstanceNorm2d of a matrix',
    () => new InstanceNorm2d(4).eval().forward(zeros([2, 4])),
    'instanceNorm: expected more than 1 value per image and channel, got [2, 4]',
  ],
];

describe.each([
  ['sizes of zero', refusals],
  ['norms of a single value', single],
])('%s are refused by op and shape', (_, all) => {
  it.each(all)('%s', (_, call, message) => {
    expect(call).toThrow(OpError);
    expect(call).toThrow(message);
    const step = compile(() => call() as Tensor);
    expect(() => step()).toThrow(message);
    step.dispose();
  });
});

it('a norm in evaluation takes a single value', async () => {
  const y = new BatchNorm2d(3).eval().forward(ones([1, 3, 1, 1]));
  // 1 / √(1 + 1e-5).
  for (const value of await y.read()) expect(value).toBeCloseTo(1, 4);
});

it('backward of a result without elements needs a gradient, as of any that is no scalar', () => {
  const x = zeros([0], { requiresGrad: true });
  expect(() => backward(mul(x, 2))).toThrow('backward: the output has 0 elements');
  backward(mul(x, 2), { gradient: zeros([0]) });
  expect(x.grad?.shape).toEqual([0]);
});
