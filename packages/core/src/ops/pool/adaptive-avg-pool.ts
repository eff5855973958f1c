import { planAdaptiveAvgPool } from '@initlab/kernels';
import { applyOne } from '../../op/op.js';
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
import { defineLinearPooling } from './define-pooling.js';

const adaptiveOp = defineLinearPooling<ResizeAttrs>({
  name: 'adaptiveAvgPool2d',
  shape: resizedShape,
  plan: (kind, { dtype, attrs, target }) => planAdaptiveAvgPool(resizeProblem(attrs, dtype), kind, target),
});

/** Average pooling to a given output size (PyTorch's `F.adaptive_avg_pool2d`). */
export function adaptiveAvgPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  const attrs = adaptiveAttrs('adaptiveAvgPool2d', x, outputSize);
  if (attrs.outSize[0] === 1 && attrs.outSize[1] === 1) return mean(x, { dims: [2, 3], keepdim: true });
  refuseNoPixels('adaptiveAvgPool2d', x);
  return applyOne(adaptiveOp, { x }, attrs);
}
