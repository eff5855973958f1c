import {
  binaryCrossEntropyWithLogits,
  crossEntropy,
  klDiv,
  l1Loss,
  logSoftmax,
  mseLoss,
  ones,
  smoothL1Loss,
  softmax,
  type Tensor,
  zeros,
  zerosLike,
} from '@initlab/core';
import type { ZeroCase, ZeroCases } from '../zero-case.js';

const T = (x: Tensor | undefined): Tensor => x as Tensor;

/** A loss of nothing: its mean is NaN, its sum 0. */
const reductions = (
  shape: readonly number[],
  none: readonly number[],
  loss: (x: Tensor, reduction: 'mean' | 'sum' | 'none') => Tensor,
): ZeroCase[] => [
  { title: `mean of [${shape.join(', ')}]`, inputs: [shape], f: (x) => loss(T(x), 'mean'), y: [[], Number.NaN] },
  { title: `sum of [${shape.join(', ')}]`, inputs: [shape], f: (x) => loss(T(x), 'sum'), y: [[], 0] },
  { title: `all of [${shape.join(', ')}]`, inputs: [shape], f: (x) => loss(T(x), 'none'), y: [none] },
];
const noLabels = (x: Tensor): Tensor => zeros([0], { dtype: 'i32', device: x.device });
const softmaxes = (op: typeof softmax): ZeroCase[] =>
  (
    [
      [[0, 5], 1],
      [[0, 5], 0],
      [[2, 0], 1],
      [[2, 0], 0],
      [[0], 0],
      [[2, 3, 0, 4], 1],
    ] as const
  ).map(([shape, dim]) => ({
    title: `[${shape.join(', ')}] along ${dim}`,
    inputs: [shape],
    f: (x) => op(T(x), { dim }),
    y: [shape],
    only32: true,
  }));

export const lossCases: ZeroCases = {
  crossEntropy: [
    ...reductions([0, 5], [0], (x, reduction) => crossEntropy(x, noLabels(x), { reduction })),
    ...reductions([0, 5], [0], (x, reduction) => crossEntropy(x, noLabels(x), { reduction, labelSmoothing: 0.1 })),
    ...reductions([0, 0], [0], (x, reduction) => crossEntropy(x, noLabels(x), { reduction })),
  ],
  l1Loss: reductions([0, 3], [0, 3], (x, reduction) => l1Loss(x, zerosLike(x), { reduction })),
  smoothL1Loss: reductions([0, 3], [0, 3], (x, reduction) => smoothL1Loss(x, zerosLike(x), { reduction })),
  binaryCrossEntropyWithLogits: reductions([0, 3], [0, 3], (x, reduction) => binaryCrossEntropyWithLogits(x, zerosLike(x), { reduction })),
  klDiv: reductions([0, 3], [0, 3], (x, reduction) => klDiv(x, zerosLike(x), { reduction })),
  mseLoss: [
    ...reductions([0, 3], [0, 3], (x, reduction) => mseLoss(x, ones([0, 3], { device: x.device, dtype: x.dtype }), { reduction })),
    ...reductions([2, 0], [2, 0], (x, reduction) => mseLoss(x, ones([2, 0], { device: x.device, dtype: x.dtype }), { reduction })),
  ],
  softmax: softmaxes(softmax),
  logSoftmax: softmaxes(logSoftmax),
};
