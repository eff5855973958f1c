import { planFills, planMoments } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { autocasting } from '../../op/autocast.js';
import { apply, applyOne, type BackwardRule, defineOp } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { floatType, memoryOrder, physicalShape, sizeOf } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, mul, sub } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { definePointwise } from '../pointwise/pointwise.js';
import { countOf, keptShape, type ReduceOptions, reducedDims, reduceOptions, reduceParts } from '../sum/reduce-parts.js';
import { expand } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';

/** Options of `variance` and `varMean`. */
export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the count: 1, the default, is the unbiased estimate, 0 the biased one. */
  readonly correction?: number;
}

/** Options of `varMean`. */
export interface VarMeanOptions extends VarianceOptions {
  /**
   * What `x` is multiplied with before anything else, default 1: the mean comes out in this unit, the variance in its square, which is
   * an f32 for larger values then.
   */
  readonly unit?: number;
}

interface MomentsAttrs {
  /** Reduced dimensions, not negative, ascending. */
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  /** 1 / (count − correction). */
  readonly scale: number;
  readonly unit: number;
}

const deviationOp = definePointwise('deviation');

const asSum = ({ dims, keepdim }: MomentsAttrs) => ({ kind: 'sum' as const, dims, keepdim, scale: 1, dtype: 'f32' as const });

const momentsOp = defineOp<MomentsAttrs>()({
  name: 'moments',
  inputs: ['x0'],
  outputs: ['mean', 'variance'],
  formats: (inputs, attrs) => reduceParts.formats(inputs, asSum(attrs)),
  infer: (inputs, attrs) => {
    const { y0 } = reduceParts.infer(inputs, asSum(attrs));
    return { mean: y0, variance: y0 };
  },
  plan: ({ inputs: { x0: spec }, attrs: { dims, scale, unit }, target }) => {
    const reduced = memoryOrder(spec).map((d) => dims.includes(d));
    return planMoments({ shape: physicalShape(spec), reduced, dtype: floatType(spec.dtype), scale, unit }, target);
  },
  // Of nothing both are 0 / 0.
  planEmpty: ({ outputs, target }) => {
    const fill = { count: sizeOf(outputs.mean.shape), value: Number.NaN, dtype: 'f32' as const };
    return planFills(
      ['mean', 'variance'].map((slot) => ({ ...fill, slot })),
      target,
    );
  },
  backward: gradient(({ x, mean, factor, unit }) =>
    unit === 1
      ? applyOne(
          deviationOp,
          { x0: x, x1: mean, x2: factor },
          { f: { kind: 'deviation' }, args: [0, 1, 2].map((operand) => ({ operand })) },
        )
      : mul(sub(mul(x, unit), mean), factor),
  ),
  backwardComposed: gradient(({ x, mean, factor, unit }) => mul(sub(mul(x, unit / 2), mul(mean, 0.5)), mul(factor, 2))),
});

interface Deviations {
  readonly x: Tensor;
  readonly mean: Tensor;
  readonly factor: Tensor;
  readonly unit: number;
}

/**
 * The gradient's rule, given how to make (x · unit − mean) · factor. The deviations from the mean add up to nothing, so that the
 * mean's own dependence on x does not enter the variance's.
 */
function gradient(deviations: (values: Deviations) => Tensor): BackwardRule<MomentsAttrs, ['x0'], ['mean', 'variance']> {
  return ({ grads: { mean: gMean, variance: gVariance }, inputs: { x0: x }, outputs: { mean }, attrs: { dims, scale, unit } }) => {
    const kept = keptShape(x.shape, dims);
    const count = dims.reduce((n, d) => n * (x.shape[d] as number), 1);
    const ofMean = gMean && mul(reshape(gMean, kept), unit / count);
    if (!gVariance) return { x0: ofMean && cast(expand(ofMean, x.shape, { format: x.format }), floatType(x.dtype)) };
    const factor = mul(reshape(gVariance, kept), 2 * scale * unit);
    const ofVariance = deviations({ x: cast(x, 'f32'), mean: reshape(mean, kept), factor, unit });
    return { x0: cast(ofMean ? add(ofVariance, ofMean) : ofVariance, floatType(x.dtype)) };
  };
}

const momentOptions = [...reduceOptions, 'correction'] as const;

function moments(op: string, x: Tensor, options: VarMeanOptions): { mean: Tensor; variance: Tensor } {
  const { keepdim = false, correction = 1, unit = 1 } = options;
  const dims = reducedDims(op, x, options);
  const count = countOf(op, x, { dims, correction });
  return apply(momentsOp, { x0: x }, { dims, keepdim, scale: 1 / (count - correction), unit });
}

/**
 * Variance over `dim` (PyTorch's `var`), with f32 sums of deviations, so that a large mean costs no digits. `correction` 1 is the
 * unbiased estimate, PyTorch's default; 0 the biased one. The result has x's type, f32 in mixed precision. Of nothing it is NaN, as
 * PyTorch's; throws for values no more than `correction`, where PyTorch warns and gives NaN.
 */
export function variance(x: Tensor, options: VarianceOptions = {}): Tensor {
  using whole = new AllOrNothing();
  checkOptions('variance', options, momentOptions);
  const found = moments('variance', x, options).variance;
  return whole.done(autocasting() ? found : cast(found, floatType(x.dtype)));
}

/**
 * Variance and mean over `dim` in one read of `x` (PyTorch's `var_mean`), both f32 whatever x is, as statistics are. Otherwise as
 * `variance`.
 */
export function varMean(x: Tensor, options: VarMeanOptions = {}): { variance: Tensor; mean: Tensor } {
  checkOptions('varMean', options, [...momentOptions, 'unit']);
  const { unit = 1 } = options;
  checkNumber('varMean', { unit }, { above: 0 });
  return moments('varMean', x, options);
}
