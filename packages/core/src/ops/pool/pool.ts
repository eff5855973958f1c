import { type PoolProblem, planPool, poolOutputSize } from '@initlab/kernels';
import { checkedPair, checkFlags, checkNumber, checkOptions, type Pair } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { apply, applyOne } from '../../op/op.js';
import { floatType, type TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { defineLinearPooling, defineMaxPooling, type PooledWithIndices, withIndices } from './define-pooling.js';

interface PoolAttrs
  extends Required<Pick<PoolProblem, 'kernel' | 'stride' | 'padding' | 'dilation' | 'ceilMode' | 'countIncludePad'>>,
    Pick<PoolProblem, 'divisorOverride'> {
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
  return { ...attrs, batch, channels, inHeight, inWidth, dtype: floatType(dtype) };
}
const pooled = (attrs: PoolAttrs): number[] => [attrs.xShape[0] ?? 0, attrs.xShape[1] ?? 0, ...poolOutputSize(problemOf(attrs, 'f32'))];

export const maxPooling = defineMaxPooling<PoolAttrs>({
  name: 'maxPool2d',
  shape: pooled,
  plan: (kind, { dtype, attrs, target }) => planPool(problemOf(attrs, dtype), kind, target),
});
const avgOp = defineLinearPooling<PoolAttrs>({
  name: 'avgPool2d',
  shape: pooled,
  plan: (kind, { dtype, attrs, target }) => planPool(problemOf(attrs, dtype), kind === 'forward' ? 'avg' : 'avgGrad', target),
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
  return apply(maxPooling.op, { x }, attrsOf('maxPool2d', x, options)).y;
}

/** `maxPool2d`, and which element of its image each value is (PyTorch's `F.max_pool2d_with_indices`): what `maxUnpool2d` takes. */
export function maxPool2dWithIndices(x: Tensor, options: MaxPoolOptions): PooledWithIndices {
  checkOptions('maxPool2dWithIndices', options, [...poolOptions, 'dilation']);
  return withIndices(maxPooling.op, x, attrsOf('maxPool2dWithIndices', x, options));
}

/** Mean of each window (PyTorch's `F.avg_pool2d`); zeros of the padding count unless `countIncludePad` is false. */
export function avgPool2d(x: Tensor, options: AvgPoolOptions): Tensor {
  checkOptions('avgPool2d', options, [...poolOptions, 'countIncludePad', 'divisorOverride']);
  return applyOne(avgOp, { x }, attrsOf('avgPool2d', x, options));
}
