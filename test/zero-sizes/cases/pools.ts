import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  adaptiveMaxPool2dWithIndices,
  avgPool2d,
  cast,
  maxPool2d,
  maxPool2dWithIndices,
  maxUnpool2d,
  type Tensor,
  zeros,
} from '@initlab/core';
import type { ZeroCases } from '../zero-case.js';

const T = (x: Tensor | undefined): Tensor => x as Tensor;

// PyTorch takes batches of no images; no channels or pixels only where all pixels become one.
export const poolCases: ZeroCases = {
  maxPool2d: [
    { title: 'no images', inputs: [[0, 3, 6, 6]], f: (x) => maxPool2d(T(x), { kernelSize: 2 }), y: [[0, 3, 3, 3]] },
    {
      title: 'no images, padded',
      inputs: [[0, 4, 6, 6]],
      f: (x) => maxPool2d(T(x), { kernelSize: 3, stride: 2, padding: 1 }),
      y: [[0, 4, 3, 3]],
    },
    {
      title: 'no images, dilated, sizes rounded up',
      inputs: [[0, 3, 6, 6]],
      f: (x) => maxPool2d(T(x), { kernelSize: 2, stride: 3, dilation: 2, ceilMode: true }),
      y: [[0, 3, 2, 2]],
    },
  ],
  maxPool2dWithIndices: [
    { title: 'no images', inputs: [[0, 3, 6, 6]], f: (x) => maxPool2dWithIndices(T(x), { kernelSize: 2 }).values, y: [[0, 3, 3, 3]] },
    {
      title: 'no images, where they are',
      inputs: [[0, 3, 6, 6]],
      f: (x) => cast(maxPool2dWithIndices(T(x), { kernelSize: 2 }).indices, 'f32'),
      y: [[0, 3, 3, 3]],
      grads: 'none',
    },
  ],
  adaptiveMaxPool2dWithIndices: [
    { title: 'no channels', inputs: [[2, 0, 6, 6]], f: (x) => adaptiveMaxPool2dWithIndices(T(x), 3).values, y: [[2, 0, 3, 3]] },
  ],
  maxUnpool2d: [
    {
      title: 'no images, cut off',
      inputs: [[0, 3, 4, 4]],
      f: (x) => maxUnpool2d(T(x), zeros([0, 3, 4, 4], { dtype: 'i32', device: T(x).device }), { kernelSize: 2, stride: 1, padding: 1 }),
      y: [[0, 3, 3, 3]],
    },
    {
      title: 'no channels',
      inputs: [[2, 0, 3, 3]],
      f: (x) => maxUnpool2d(T(x), zeros([2, 0, 3, 3], { dtype: 'i32', device: T(x).device }), { kernelSize: 2 }),
      y: [[2, 0, 6, 6]],
    },
  ],
  avgPool2d: [
    { title: 'no images', inputs: [[0, 3, 6, 6]], f: (x) => avgPool2d(T(x), { kernelSize: 2 }), y: [[0, 3, 3, 3]] },
    {
      title: 'no images, padded',
      inputs: [[0, 4, 6, 6]],
      f: (x) => avgPool2d(T(x), { kernelSize: 3, padding: 1, countIncludePad: false }),
      y: [[0, 4, 2, 2]],
    },
  ],
  adaptiveMaxPool2d: [
    { title: 'no images', inputs: [[0, 3, 6, 6]], f: (x) => adaptiveMaxPool2d(T(x), [3, null]), y: [[0, 3, 3, 6]] },
    { title: 'no channels', inputs: [[2, 0, 6, 6]], f: (x) => adaptiveMaxPool2d(T(x), 3), y: [[2, 0, 3, 3]] },
  ],
  adaptiveAvgPool2d: [
    { title: 'no images', inputs: [[0, 3, 6, 6]], f: (x) => adaptiveAvgPool2d(T(x), 3), y: [[0, 3, 3, 3]] },
    { title: 'no images, to one pixel', inputs: [[0, 3, 6, 6]], f: (x) => adaptiveAvgPool2d(T(x), 1), y: [[0, 3, 1, 1]] },
    { title: 'no channels', inputs: [[2, 0, 6, 6]], f: (x) => adaptiveAvgPool2d(T(x), 3), y: [[2, 0, 3, 3]] },
    {
      title: 'no pixels to one: a mean of nothing',
      inputs: [[2, 3, 0, 6]],
      f: (x) => adaptiveAvgPool2d(T(x), 1),
      y: [[2, 3, 1, 1], Number.NaN],
    },
  ],
};
