import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { autocasting } from '../../op/autocast.js';
import { noGrad } from '../../op/tape.js';
import { AllOrNothing } from '../../storage/scope.js';
import type { Tensor } from '../../tensor/tensor.js';
import { add, div, greater, less, mul, notEqual, pow, sub } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { abs, exp, log, sqrt, square } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { countOf, type ReduceOptions, reducedDims, reducedShape, reduceOptions } from '../sum/reduce-parts.js';
import { sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';
import { amax } from './extremes.js';
import { type VarianceOptions, variance } from './variance.js';

/** Options of `norm`. */
export interface NormOptions extends ReduceOptions {
  /** Order: 2, the default, is the length, 1 the sum and Infinity the largest of the absolute values; others above 0. */
  readonly p?: number;
}

/** A root of what is 0 or more, 0 with a gradient of 0 at 0: a root has an infinite one there, and PyTorch gives none. */
function rootOf(x: Tensor, root: (x: Tensor) => Tensor): Tensor {
  const some = notEqual(x, 0);
  return where(some, root(where(some, x, 1)), 0);
}

/** Largest absolute values, dimensions kept, without gradient; 1 where that is 0 or infinite. What is divided by it has no large powers. */
function scaleOf(x: Tensor, dims: readonly number[]): Tensor {
  return noGrad(() => {
    const largest = amax(abs(x), { dims, keepdim: true });
    return where(mul(greater(largest, 0), less(largest, Number.POSITIVE_INFINITY)), largest, 1);
  });
}

/** A power of two that brings all f32 near enough to 1 for their squares; 1, which changes no bit, where they are so anyway. */
function unitOf(x: Tensor, dims: readonly number[]): Tensor {
  return noGrad(() => {
    const largest = amax(abs(x), { dims, keepdim: true });
    return where(greater(largest, 1e15), 2 ** 80, where(less(largest, 1e-15), 2 ** -80, 1));
  });
}

const anyOf = (x: Tensor, dims: readonly number[]): boolean => dims.every((d) => x.shape[d] !== 0);

/**
 * (Σ |x|^p)^(1/p) over `dim`, default all (PyTorch's `linalg.vector_norm`); its gradient at 0 is 0. Summed in f32 in units of the
 * largest element: squares beyond f32, or below it, do not matter. The result has x's type. Throws for `p: Infinity` over nothing.
 */
export function norm(x: Tensor, options: NormOptions = {}): Tensor {
  checkOptions('norm', options, [...reduceOptions, 'p']);
  const { p = 2, keepdim = false } = options;
  const dims = reducedDims('norm', x, options);
  if (p !== Number.POSITIVE_INFINITY) checkNumber('norm', { p }, { above: 0 });
  using whole = new AllOrNothing();
  const of = cast(x, 'f32');
  const back = (y: Tensor): Tensor => whole.done(cast(y, x.dtype));
  if (p === Number.POSITIVE_INFINITY) return back(amax(abs(of), { dims, keepdim }));
  if (p === 1 || !anyOf(x, dims)) return back(sum(abs(of), { dims, keepdim }));
  const scale = scaleOf(of, dims);
  const unit = div(of, scale);
  const powers = sum(p === 2 ? square(unit) : pow(abs(unit), p), { dims, keepdim: true });
  const length = mul(
    scale,
    rootOf(powers, (y) => (p === 2 ? sqrt(y) : pow(y, 1 / p))),
  );
  return back(reshape(length, reducedShape(x.shape, { dims, keepdim })));
}

/**
 * Standard deviation over `dim` (PyTorch's `std`), unbiased unless `correction` says otherwise; its gradient at 0 is 0. Taken in f32, and
 * where squares are beyond it, or below, in units of the largest value. Otherwise as `variance`.
 */
export function std(x: Tensor, options: VarianceOptions = {}): Tensor {
  checkOptions('std', options, [...reduceOptions, 'correction']);
  const { correction = 1, keepdim = false } = options;
  const dims = reducedDims('std', x, options);
  countOf('std', x, { dims, correction });
  using whole = new AllOrNothing();
  const of = cast(x, 'f32');
  const back = (y: Tensor): Tensor => whole.done(autocasting() ? y : cast(y, x.dtype));
  if (!anyOf(x, dims)) return back(variance(of, { dims, keepdim, correction }));
  const unit = unitOf(of, dims);
  const found = mul(rootOf(variance(div(of, unit), { dims, keepdim: true, correction }), sqrt), unit);
  return back(reshape(found, reducedShape(x.shape, { dims, keepdim })));
}

/** log Σ e^x over `dim`, default all, without overflow (PyTorch's `logsumexp`); −Infinity of nothing. */
export function logsumexp(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOptions('logsumexp', options, reduceOptions);
  const { keepdim = false } = options;
  const dims = reducedDims('logsumexp', x, options);
  using whole = new AllOrNothing();
  if (!anyOf(x, dims)) return whole.done(log(sum(x, { dims, keepdim })));
  const kept = { dims, keepdim: true };
  const shift = noGrad(() => {
    const largest = amax(x, kept);
    return where(less(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  });
  const found = add(log(sum(exp(sub(x, shift)), kept)), shift);
  return whole.done(reshape(found, reducedShape(x.shape, { dims, keepdim })));
}
