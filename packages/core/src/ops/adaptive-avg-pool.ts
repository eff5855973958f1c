import { planAdaptiveAvgPool } from '@initlab/kernels';
import { applyOne, defineOp, type Op } from '../op/op.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AdaptiveAttrs, adaptiveAttrs, adaptiveProblem, type AdaptiveSize, refuseNoPixels } from './adaptive-size.js';
import { imageSpec } from './image-spec.js';
import { mean } from './sum.js';

// Linear too: forward and gradient are each other's gradients.
const adaptiveOp: Op<AdaptiveAttrs, ['x'], ['y']> = defineOp<AdaptiveAttrs>()({
  name: 'adaptiveAvgPool2d',
  inputs: ['x'],
  outputs: ['y'],
  formats: () => ({ x: 'channelsLast' }),
  infer: ({ x }, { xShape, outSize }) => ({ y: imageSpec([...xShape.slice(0, 2), ...outSize], x) }),
  plan: ({ inputs: { x }, attrs, target }) => planAdaptiveAvgPool(adaptiveProblem(attrs, x.dtype), 'forward', target),
  backward: ({ grads: { y: dy }, attrs }) => ({ x: applyOne(adaptiveGradOp, { dy }, attrs) }),
  backwardDifferentiable: true,
});
const adaptiveGradOp: Op<AdaptiveAttrs, ['dy'], ['dx']> = defineOp<AdaptiveAttrs>()({
  name: 'adaptiveAvgPool2dGrad',
  inputs: ['dy'],
  outputs: ['dx'],
  formats: () => ({ dy: 'channelsLast' }),
  infer: ({ dy }, { xShape }) => ({ dx: imageSpec(xShape, dy) }),
  plan: ({ inputs: { dy }, attrs, target }) => planAdaptiveAvgPool(adaptiveProblem(attrs, dy.dtype), 'grad', target),
  backward: ({ grads: { dx: x }, attrs }) => ({ dy: applyOne(adaptiveOp, { x }, attrs) }),
  backwardDifferentiable: true,
});

/** Average pooling to a given output size (PyTorch's `F.adaptive_avg_pool2d`). */
export function adaptiveAvgPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  const attrs = adaptiveAttrs('adaptiveAvgPool2d', x, outputSize);
  if (attrs.outSize[0] === 1 && attrs.outSize[1] === 1) return mean(x, { dims: [2, 3], keepdim: true });
  refuseNoPixels('adaptiveAvgPool2d', x);
  return applyOne(adaptiveOp, { x }, attrs);
}
