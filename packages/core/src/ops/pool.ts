import { type PoolProblem, planPool, poolOutputSize } from '@initlab/kernels';
import { checkOptions } from '../checks/check-options.js';
import { OpError, showShape } from '../checks/errors.js';
import { apply, applyOne, defineOp, type Op } from '../op/op.js';
import type { TensorSpec } from '../storage/spec.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkFloat } from './check-float.js';
import { imageSpec } from './image-spec.js';
import { checkedPair, checkFlags, checkNumber, type Pair } from '../checks/check-numbers.js';

interface PoolAttrs {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride?: number | undefined;
  /** Shape of the pooled input. */
  readonly xShape: readonly number[];
}

/** Options of the poolings. */
export interface PoolOptions {
  /** Size of the window. */
  readonly kernelSize: Pair;
  /** Default: the kernel's size. */
  readonly stride?: Pair | undefined;
  /** At most half the kernel; default 0. */
  readonly padding?: Pair | undefined;
  /** A last window that reaches beyond the padding counts, too, where it begins before the end of the image. Default false. */
  readonly ceilMode?: boolean | undefined;
}
const poolOptions = ['kernelSize', 'stride', 'padding', 'ceilMode'] as const;

/** Options of `maxPool2d`. */
export interface MaxPoolOptions extends PoolOptions {
  /** Pixels from one element of the window to the next; default 1. */
  readonly dilation?: Pair | undefined;
}

/** Options of `avgPool2d`. */
export interface AvgPoolOptions extends PoolOptions {
  /** Whether the padding's zeros count in the mean; default true. */
  readonly countIncludePad?: boolean | undefined;
  /** What each window's sum is divided by, instead of its size; not 0. */
  readonly divisorOverride?: number | undefined;
}

function problemOf(attrs: PoolAttrs, dtype: TensorSpec['dtype']): PoolProblem {
  const [batch = 0, channels = 0, inHeight = 0, inWidth = 0] = attrs.xShape;
  return { ...attrs, batch, channels, inHeight, inWidth, dtype: dtype === 'f16' ? 'f16' : 'f32' };
}
const pooled = (attrs: PoolAttrs): number[] => [attrs.xShape[0] ?? 0, attrs.xShape[1] ?? 0, ...poolOutputSize(problemOf(attrs, 'f32'))];

export const maxPoolOp: Op<PoolAttrs, ['x'], ['y', 'index']> = defineOp<PoolAttrs>()({
  name: 'maxPool2d',
  inputs: ['x'],
  outputs: ['y', 'index'],
  formats: () => ({ x: 'channelsLast' }),
  infer: ({ x }, attrs) => ({ y: imageSpec(pooled(attrs), x), index: imageSpec(pooled(attrs), { dtype: 'u32' }) }),
  plan: ({ inputs: { x }, attrs, target }) => planPool(problemOf(attrs, x.dtype), 'max', target),
  backward: ({ grads: { y: dy }, outputs: { index }, attrs }) => ({ x: dy && applyOne(maxPoolGradOp, { dy, index }, attrs) }),
  backwardDifferentiable: true,
});
// Once the winners are known, pooling is linear: picking their values and giving them back are each other's gradients.
export const maxPoolGradOp: Op<PoolAttrs, ['dy', 'index'], ['dx']> = defineOp<PoolAttrs>()({
  name: 'maxPool2dGrad',
  inputs: ['dy', 'index'],
  outputs: ['dx'],
  formats: () => ({ dy: 'channelsLast', index: 'channelsLast' }),
  infer: ({ dy }, attrs) => ({ dx: imageSpec(attrs.xShape, dy) }),
  plan: ({ inputs: { dy }, attrs, target }) => planPool(problemOf(attrs, dy.dtype), 'maxGrad', target),
  backward: ({ grads: { dx: x }, inputs: { index }, attrs }) => ({ dy: applyOne(maxSelectOp, { x, index }, attrs) }),
  backwardDifferentiable: true,
});
const maxSelectOp: Op<PoolAttrs, ['x', 'index'], ['y']> = defineOp<PoolAttrs>()({
  name: 'maxPool2dSelect',
  inputs: ['x', 'index'],
  outputs: ['y'],
  formats: () => ({ x: 'channelsLast', index: 'channelsLast' }),
  infer: ({ x }, attrs) => ({ y: imageSpec(pooled(attrs), x) }),
  plan: ({ inputs: { x }, attrs, target }) => planPool(problemOf(attrs, x.dtype), 'maxSelect', target),
  backward: ({ grads: { y: dy }, inputs: { index }, attrs }) => ({ x: applyOne(maxPoolGradOp, { dy, index }, attrs) }),
  backwardDifferentiable: true,
});
// Average pooling is linear: forward and gradient are each other's gradients.
const avgOp: Op<PoolAttrs, ['x'], ['y']> = defineOp<PoolAttrs>()({
  name: 'avgPool2d',
  inputs: ['x'],
  outputs: ['y'],
  formats: () => ({ x: 'channelsLast' }),
  infer: ({ x }, attrs) => ({ y: imageSpec(pooled(attrs), x) }),
  plan: ({ inputs: { x }, attrs, target }) => planPool(problemOf(attrs, x.dtype), 'avg', target),
  backward: ({ grads: { y: dy }, attrs }) => ({ x: applyOne(avgGradOp, { dy }, attrs) }),
  backwardDifferentiable: true,
});
const avgGradOp: Op<PoolAttrs, ['dy'], ['dx']> = defineOp<PoolAttrs>()({
  name: 'avgPool2dGrad',
  inputs: ['dy'],
  outputs: ['dx'],
  formats: () => ({ dy: 'channelsLast' }),
  infer: ({ dy }, attrs) => ({ dx: imageSpec(attrs.xShape, dy) }),
  plan: ({ inputs: { dy }, attrs, target }) => planPool(problemOf(attrs, dy.dtype), 'avgGrad', target),
  backward: ({ grads: { dx: x }, attrs }) => ({ dy: applyOne(avgOp, { x }, attrs) }),
  backwardDifferentiable: true,
});

function attrsOf(op: string, x: Tensor, options: MaxPoolOptions & AvgPoolOptions): PoolAttrs {
  checkFloat(op, x);
  if (x.ndim !== 4) throw new OpError(op, `takes [N, C, H, W], got ${showShape(x.shape)}`);
  const { kernelSize, stride = kernelSize, padding = 0, dilation = 1, ceilMode = false, countIncludePad = true, divisorOverride } = options;
  checkFlags(op, { ceilMode, countIncludePad });
  if (divisorOverride !== undefined) checkNumber(op, { divisorOverride });
  if (divisorOverride === 0) throw new OpError(op, 'divisorOverride is 0; give another number, such as 1 for the sums');
  const kernel = checkedPair(op, { kernelSize });
  const attrs = {
    kernel,
    stride: checkedPair(op, { stride }),
    padding: checkedPair(op, { padding }, 0),
    dilation: checkedPair(op, { dilation }),
    ceilMode,
    countIncludePad,
    divisorOverride,
    xShape: x.shape,
  };
  if (attrs.padding.some((p, i) => p > (kernel[i] as number) / 2))
    throw new OpError(op, `padding ${attrs.padding} must be at most half the kernel ${kernel}`);
  if (x.shape.slice(1).includes(0)) throw new OpError(op, `only the batch may have size 0, got x ${showShape(x.shape)}`);
  if (pooled(attrs).some((d, i) => i > 1 && d < 1)) throw new OpError(op, `kernel ${kernel} does not fit x ${showShape(x.shape)}`);
  return attrs;
}

/** Largest value of each window (PyTorch's `F.max_pool2d`): of equals the first wins; NaN wins over all. */
export function maxPool2d(x: Tensor, options: MaxPoolOptions): Tensor {
  checkOptions('maxPool2d', options, [...poolOptions, 'dilation']);
  return apply(maxPoolOp, { x }, attrsOf('maxPool2d', x, options)).y;
}

/** Mean of each window (PyTorch's `F.avg_pool2d`); zeros of the padding count unless `countIncludePad` is false. */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  checkOptions('avgPool2d', options, [...poolOptions, 'countIncludePad', 'divisorOverride']);
  return applyOne(avgOp, { x }, attrsOf('avgPool2d', x, options));
}
