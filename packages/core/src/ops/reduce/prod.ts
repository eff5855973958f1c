import { planFill, planProduct } from '@initlab/kernels';
import { checkOptions } from '../../checks/check-arguments.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { floatType, rowMajor, sizeOf } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { linesOf } from '../arguments/operands.js';
import { div, equal, mul, sub } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { where } from '../pointwise/where.js';
import { type ReduceOptions, reducedDims, reducedShape, reduceOptions } from '../sum/reduce-parts.js';
import { sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';

const prodOp: Op<{ dim: number }, ['x'], ['y']> = defineOp<{ dim: number }>()({
  name: 'prod',
  inputs: ['x'],
  outputs: ['y'],
  formats: () => ({ x: 'rowMajor' }),
  infer: ({ x }, { dim }) => ({ y: rowMajor(x.shape.with(dim, 1), x.dtype) }),
  plan: ({ inputs: { x }, attrs: { dim }, target }) => planProduct({ ...linesOf(x, dim), dtype: floatType(x.dtype) }, target),
  planEmpty: ({ outputs: { y }, target }) => planFill({ count: sizeOf(y.shape), value: 1, dtype: y.dtype }, target),
  backward: ({ grads: { y: dy }, inputs: { x }, attrs: { dim } }) => ({ x: mul(dy, productOfOthers(x, dim)) }),
  backwardDifferentiable: true,
});

/**
 * Π x_j over all j but the own. Where nothing is 0 that is the product over the own factor. Zeros are left out of the product and come
 * in again as the sum of the others', which is 0 but has the derivative that it should: two zeros give a second derivative.
 */
function productOfOthers(x: Tensor, dim: number): Tensor {
  const over = { dims: [dim], keepdim: true };
  const zero = equal(x, 0);
  const zeros = sum(zero, over);
  const filled = where(zero, 1, x);
  const product = applyOne(prodOp, { x: filled }, { dim });
  const rest = sum(where(zero, x, 0), over);
  const beside = div(product, filled);
  const ofZero = where(equal(zeros, 1), product, where(equal(zeros, 2), mul(product, sub(rest, x)), 0));
  const ofOthers = where(equal(zeros, 0), beside, where(equal(zeros, 1), mul(beside, rest), 0));
  return where(zero, ofZero, ofOthers);
}

/** Product over `dim`, default all (PyTorch's `prod`), in f32; 1 of nothing. Its gradient is right beside zeros, too. */
export function prod(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOptions('prod', options, reduceOptions);
  const dims = reducedDims('prod', x, options);
  using whole = new AllOrNothing();
  const of = cast(x, 'f32');
  const all = dims.length === x.ndim ? reshape(of, [x.size]) : of;
  const found = (dims.length === x.ndim ? [0] : dims).reduce((y, dim) => applyOne(prodOp, { x: y }, { dim }), all);
  return whole.done(reshape(cast(found, x.dtype), reducedShape(x.shape, { dims, keepdim: options.keepdim === true })));
}
