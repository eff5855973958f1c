import { type AdaptiveMaxPoolKind, planAdaptiveMaxPool, type Plan, type Target } from '@initlab/kernels';
import { apply, applyOne, defineOp, type Op } from '../op/op.js';
import type { TensorSpec } from '../storage/spec.js';
import type { Tensor } from '../tensor/tensor.js';
import { type AdaptiveAttrs, adaptiveAttrs, adaptiveProblem, type AdaptiveSize, refuseNoPixels } from './adaptive-size.js';
import { imageSpec } from './image-spec.js';

const planMax = (
  { x, attrs, target }: { readonly x: TensorSpec; readonly attrs: AdaptiveAttrs; readonly target: Target },
  kind: AdaptiveMaxPoolKind,
): Plan => planAdaptiveMaxPool(adaptiveProblem(attrs, x.dtype), kind, target);
const outShape = ({ xShape, outSize }: AdaptiveAttrs): number[] => [...xShape.slice(0, 2), ...outSize];

const maxOp: Op<AdaptiveAttrs, ['x'], ['y', 'index']> = defineOp<AdaptiveAttrs>()({
  name: 'adaptiveMaxPool2d',
  inputs: ['x'],
  outputs: ['y', 'index'],
  formats: () => ({ x: 'channelsLast' }),
  infer: ({ x }, attrs) => ({ y: imageSpec(outShape(attrs), x), index: imageSpec(outShape(attrs), { dtype: 'u32' }) }),
  plan: ({ inputs: { x }, attrs, target }) => planMax({ x, attrs, target }, 'max'),
  backward: ({ grads: { y: dy }, outputs: { index }, attrs }) => ({ x: dy && applyOne(maxGradOp, { dy, index }, attrs) }),
  backwardDifferentiable: true,
});
// As of maxPool2d: picking the winners' values and giving them back are each other's gradients.
const maxGradOp: Op<AdaptiveAttrs, ['dy', 'index'], ['dx']> = defineOp<AdaptiveAttrs>()({
  name: 'adaptiveMaxPool2dGrad',
  inputs: ['dy', 'index'],
  outputs: ['dx'],
  formats: () => ({ dy: 'channelsLast', index: 'channelsLast' }),
  infer: ({ dy }, { xShape }) => ({ dx: imageSpec(xShape, dy) }),
  plan: ({ inputs: { dy }, attrs, target }) => planMax({ x: dy, attrs, target }, 'maxGrad'),
  backward: ({ grads: { dx: x }, inputs: { index }, attrs }) => ({ dy: applyOne(maxSelectOp, { x, index }, attrs) }),
  backwardDifferentiable: true,
});
const maxSelectOp: Op<AdaptiveAttrs, ['x', 'index'], ['y']> = defineOp<AdaptiveAttrs>()({
  name: 'adaptiveMaxPool2dSelect',
  inputs: ['x', 'index'],
  outputs: ['y'],
  formats: () => ({ x: 'channelsLast', index: 'channelsLast' }),
  infer: ({ x }, attrs) => ({ y: imageSpec(outShape(attrs), x) }),
  plan: ({ inputs: { x }, attrs, target }) => planMax({ x, attrs, target }, 'maxSelect'),
  backward: ({ grads: { y: dy }, inputs: { index }, attrs }) => ({ x: applyOne(maxGradOp, { dy, index }, attrs) }),
  backwardDifferentiable: true,
});

/**
 * Largest value of each of as many windows as give the output size, which may overlap (PyTorch's `F.adaptive_max_pool2d`): of equals the
 * first wins; NaN wins over all.
 */
export function adaptiveMaxPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  const attrs = adaptiveAttrs('adaptiveMaxPool2d', x, outputSize);
  refuseNoPixels('adaptiveMaxPool2d', x);
  return apply(maxOp, { x }, attrs).y;
}
