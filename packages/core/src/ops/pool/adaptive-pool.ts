import { planAdaptivePool } from '@initlab/kernels';
import { apply, applyOne } from '../../op/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import {
  type AdaptiveSize,
  adaptiveAttrs,
  type ResizeAttrs,
  refuseNoPixels,
  resizedShape,
  resizeProblem,
} from '../arguments/adaptive-size.js';
import { mean } from '../sum/sum.js';
import { defineLinearPooling, defineMaxPooling, type PooledWithIndices, withIndices } from './define-pooling.js';

const avgOp = defineLinearPooling<ResizeAttrs>({
  name: 'adaptiveAvgPool2d',
  shape: resizedShape,
  plan: (kind, { dtype, attrs, target }) => planAdaptivePool(resizeProblem(attrs, dtype), kind === 'grad' ? 'avgGrad' : 'avg', target),
});

const maxPooling = defineMaxPooling<ResizeAttrs>({
  name: 'adaptiveMaxPool2d',
  shape: resizedShape,
  plan: (kind, { dtype, attrs, target }) => planAdaptivePool(resizeProblem(attrs, dtype), kind, target),
});

/** Average pooling to a given output size (PyTorch's `F.adaptive_avg_pool2d`). */
export function adaptiveAvgPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  const attrs = adaptiveAttrs('adaptiveAvgPool2d', x, outputSize);
  if (attrs.outSize[0] === 1 && attrs.outSize[1] === 1) return mean(x, { dims: [2, 3], keepdim: true });
  refuseNoPixels('adaptiveAvgPool2d', x);
  return applyOne(avgOp, { x }, attrs);
}

/**
 * Largest value of each of as many windows as give the output size, which may overlap (PyTorch's `F.adaptive_max_pool2d`): of equals the
 * first wins; NaN wins over all.
 */
export function adaptiveMaxPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  const attrs = adaptiveAttrs('adaptiveMaxPool2d', x, outputSize);
  refuseNoPixels('adaptiveMaxPool2d', x);
  return apply(maxPooling.op, { x }, attrs).y;
}

/** `adaptiveMaxPool2d`, and which element of its image each value is (PyTorch's `F.adaptive_max_pool2d_with_indices`). */
export function adaptiveMaxPool2dWithIndices(x: Tensor, outputSize: AdaptiveSize): PooledWithIndices {
  const attrs = adaptiveAttrs('adaptiveMaxPool2dWithIndices', x, outputSize);
  refuseNoPixels('adaptiveMaxPool2dWithIndices', x);
  return withIndices(maxPooling.op, x, attrs);
}
