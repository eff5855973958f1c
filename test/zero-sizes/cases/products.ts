import { conv2d, einsum, linear, matmul, ones, type Tensor } from '@initlab/core';
import type { ZeroCase, ZeroCases } from '../zero-case.js';

const T = (x: Tensor | undefined): Tensor => x as Tensor;
type ConvOptions = Parameters<typeof conv2d>[2];
const conv = (title: string, shapes: ZeroCase['inputs'], y: readonly number[], options: ConvOptions = {}): ZeroCase => ({
  title,
  inputs: [...shapes, [(shapes[1] as readonly number[])[0] as number]],
  f: (x, weight, bias) => conv2d(T(x), T(weight), { ...options, bias: T(bias) }),
  y: [y],
});

// A batch of nothing gives nothing, and a product over nothing is its bias; the gradients of weights are sums of nothing.
export const productCases: ZeroCases = {
  einsum: [
    {
      title: 'over nothing, in a batch',
      inputs: [
        [2, 3, 0],
        [2, 0, 4],
      ],
      f: (a, b) => einsum('bij,bjk->bik', [T(a), T(b)]),
      y: [[2, 3, 4], 0],
    },
  ],
  matmul: [
    {
      title: 'a batch of none',
      inputs: [
        [0, 2, 3],
        [0, 3, 4],
      ],
      f: (a, b) => matmul(T(a), T(b)),
      y: [[0, 2, 4]],
    },
    {
      title: 'no rows',
      inputs: [
        [0, 3],
        [3, 4],
      ],
      f: (a, b) => matmul(T(a), T(b)),
      y: [[0, 4]],
    },
    {
      title: 'no columns',
      inputs: [
        [2, 3],
        [3, 0],
      ],
      f: (a, b) => matmul(T(a), T(b)),
      y: [[2, 0]],
    },
    {
      title: 'over nothing',
      inputs: [
        [2, 0],
        [0, 3],
      ],
      f: (a, b) => matmul(T(a), T(b)),
      y: [[2, 3], 0],
    },
    {
      title: 'over nothing, of some size',
      inputs: [
        [65, 0],
        [0, 130],
      ],
      f: (a, b) => matmul(T(a), T(b)),
      y: [[65, 130], 0],
    },
    {
      title: 'nothing at all',
      inputs: [
        [0, 0],
        [0, 0],
      ],
      f: (a, b) => matmul(T(a), T(b)),
      y: [[0, 0]],
    },
  ],
  linear: [
    { title: 'no rows', inputs: [[0, 3], [4, 3], [4]], f: (x, w, bias) => linear(T(x), T(w), { bias }), y: [[0, 4]] },
    {
      title: 'no features',
      inputs: [[2, 0], [4, 0], [4]],
      f: (x, w, bias) => linear(T(x), T(w), { bias }),
      y: [[2, 4], 1],
      grads: [0, 0, 2],
    },
    {
      title: 'no features, no bias',
      inputs: [
        [2, 0],
        [5, 0],
      ],
      f: (x, w) => linear(T(x), T(w)),
      y: [[2, 5], 0],
    },
    { title: 'no outputs', inputs: [[2, 3], [0, 3], [0]], f: (x, w, bias) => linear(T(x), T(w), { bias }), y: [[2, 0]] },
    { title: 'rank 3 without rows', inputs: [[2, 0, 3], [4, 3], [4]], f: (x, w, bias) => linear(T(x), T(w), { bias }), y: [[2, 0, 4]] },
    {
      title: 'rank 3 without features',
      inputs: [[2, 5, 0], [4, 0], [4]],
      f: (x, w, bias) => linear(T(x), T(w), { bias }),
      y: [[2, 5, 4], 1],
      grads: [0, 0, 10],
    },
    {
      title: 'a vector without features',
      inputs: [[0], [4, 0], [4]],
      f: (x, w, bias) => linear(T(x), T(w), { bias }),
      y: [[4], 1],
      grads: [0, 0, 1],
    },
  ],
  conv2d: [
    conv(
      'no images',
      [
        [0, 3, 5, 5],
        [4, 3, 3, 3],
      ],
      [0, 4, 3, 3],
    ),
    conv(
      'no images, 1×1',
      [
        [0, 8, 5, 5],
        [4, 8, 1, 1],
      ],
      [0, 4, 5, 5],
    ),
    conv(
      'no images, strided',
      [
        [0, 3, 5, 5],
        [4, 3, 3, 3],
      ],
      [0, 4, 3, 3],
      { stride: 2, padding: 1 },
    ),
    conv(
      'no images, dilated',
      [
        [0, 3, 9, 9],
        [4, 3, 3, 3],
      ],
      [0, 4, 5, 5],
      { dilation: 2 },
    ),
    conv(
      'no images, in groups',
      [
        [0, 8, 5, 5],
        [4, 4, 3, 3],
      ],
      [0, 4, 3, 3],
      { groups: 2 },
    ),
    conv(
      'no images, depthwise',
      [
        [0, 4, 5, 5],
        [4, 1, 3, 3],
      ],
      [0, 4, 3, 3],
      { groups: 4 },
    ),
    conv(
      'no images of no pixels',
      [
        [0, 3, 0, 5],
        [4, 3, 3, 3],
      ],
      [0, 4, 2, 7],
      { padding: 2 },
    ),
    {
      title: 'no images, f32 weights',
      inputs: [[4, 3, 3, 3], [4]],
      f: (w, bias) => conv2d(ones([0, 3, 5, 5], { dtype: 'f32', device: T(w).device }), T(w), { bias }),
      y: [[0, 4, 3, 3]],
      only32: true,
    },
    // PyTorch gives an image of no channels here, which no layer after it takes; a sum over no channels is the bias.
    {
      ...conv(
        'no channels',
        [
          [2, 0, 5, 5],
          [4, 0, 3, 3],
        ],
        [2, 4, 3, 3],
      ),
      y: [[2, 4, 3, 3], 1],
      grads: [0, 0, 18],
    },
    {
      title: 'no channels, no bias',
      inputs: [
        [2, 0, 5, 5],
        [4, 0, 3, 3],
      ],
      f: (x, weight) => conv2d(T(x), T(weight), { groups: 2 }),
      y: [[2, 4, 3, 3], 0],
    },
  ],
};
