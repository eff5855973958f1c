import { planFill, planWeightNorm, type WeightNormProblem } from '@initlab/kernels';
import { OpError, showShape } from '../../checks/errors.js';
import { apply, defineOp } from '../../op/op.js';
import { noGrad } from '../../op/tape.js';
import { rowMajor, sameShape, sizeOf, type TensorSpec } from '../../storage/spec.js';
import { checkTensor, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkF32 } from '../arguments/operands.js';
import { add, div, equal, greater, less, lessEqual, maximum, mul, sub } from '../pointwise/binary.js';
import { abs, sqrt, square } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { amax } from '../reduce/extremes.js';
import { sum } from '../sum/sum.js';

const problemOf = ({ shape: [rows = 1, ...rest] }: TensorSpec): WeightNormProblem => ({ rows, length: sizeOf(rest) });
const others = (v: Tensor): number[] => v.shape.flatMap((_, i) => (i === 0 ? [] : [i]));

const gradOp = defineOp<null>()({
  name: 'weightNormGrad',
  inputs: ['dw', 'v', 'g', 'norm'],
  outputs: ['dv', 'dg'],
  formats: () => ({ dw: 'rowMajor', v: 'rowMajor', g: 'rowMajor', norm: 'rowMajor' }),
  infer: ({ v, g }) => ({ dv: rowMajor(v.shape), dg: rowMajor(g.shape) }),
  plan: ({ inputs: { v }, target }) => planWeightNorm(problemOf(v), 'backward', target),
  // Of channels of no weights, whose norm is 0: 0 / 0, as of a channel of zeros.
  planEmpty: ({ outputs: { dg }, target }) => planFill({ slot: 'dg', count: sizeOf(dg.shape), value: Number.NaN, dtype: 'f32' }, target),
});
const weightNormOp = defineOp<null>()({
  name: 'weightNorm',
  inputs: ['v', 'g'],
  outputs: ['w', 'norm'],
  formats: () => ({ v: 'rowMajor', g: 'rowMajor' }),
  infer: ({ v }) => ({ w: rowMajor(v.shape), norm: rowMajor([v.shape[0] ?? 1]) }),
  plan: ({ inputs: { v }, target }) => planWeightNorm(problemOf(v), 'forward', target),
  backward: ({ grads: { w: dw }, inputs: { v, g }, outputs: { norm } }) => {
    if (!dw) return {};
    const { dv, dg } = apply(gradOp, { dw, v, g, norm }, null);
    return { v: dv, g: dg };
  },
  backwardComposed: ({ grads: { w: dw }, inputs: { v, g } }) => {
    if (!dw) return {};
    const over = { dims: others(v), keepdim: true };
    // In units of the largest where squares would be no f32; what unit it is changes nothing.
    const unit = noGrad(() => rowUnits(v, over));
    const measured = div(v, unit);
    const squares = sum(square(measured), over);
    // As the kernels: what is divided by the norm of a row of zeros is 0. The 1 keeps √ and ÷ differentiable there.
    const zero = equal(squares, 0);
    const norm = sqrt(where(zero, 1, squares));
    const overNorm = (x: Tensor): Tensor => where(zero, 0, div(x, norm));
    const dg = overNorm(sum(mul(dw, measured), over));
    return { v: mul(div(overNorm(g), unit), sub(dw, mul(measured, overNorm(dg)))), g: dg };
  },
});

const largestF32 = (2 - 2 ** -23) * 2 ** 127;

/** What to divide each row by before its squares are summed: 1 but for values whose squares are no f32. */
function rowUnits(v: Tensor, over: { readonly dims: readonly number[]; readonly keepdim: boolean }): Tensor {
  if (v.size === 0) return add(sum(v, over), 1);
  const largest = amax(abs(v), over);
  const tiny = mul(greater(largest, 0), less(largest, 1e-15));
  const huge = mul(greater(largest, 1e15), lessEqual(largest, largestF32));
  return where(maximum(tiny, huge), largest, 1);
}

/**
 * Length [K, 1, …] of every row of `v` [K, …], also where the sum of its squares is no f32 (PyTorch's `norm_except_dim` with dim 0).
 * Has no gradient.
 */
export function rowNorms(v: Tensor): Tensor {
  checkTensor('rowNorms', v, 'v');
  return noGrad(() => {
    const over = { dims: others(v), keepdim: true };
    const unit = rowUnits(v, over);
    return mul(unit, sqrt(sum(square(div(v, unit)), over)));
  });
}

/**
 * Weight normalisation w = g · v / ‖v‖, the norm over each output channel (PyTorch's `weight_norm` with dim 0,
 * arXiv:1602.07868). `v` has the weight's shape, `g` the same rank with every size 1 but the first. A channel
 * of zeros has no direction: it stays 0, and so do its gradients (PyTorch gives NaN).
 */
export function weightNorm(v: Tensor, g: Tensor): Tensor {
  checkTensors('weightNorm', { v, g });
  const wanted = v.shape.map((d, i) => (i === 0 ? d : 1));
  if (!sameShape(g.shape, wanted))
    throw new OpError('weightNorm', `g ${showShape(g.shape)} should be ${showShape(wanted)} for v ${showShape(v.shape)}`);
  checkF32('weightNorm', v, 'v');
  checkF32('weightNorm', g, 'g');
  return apply(weightNormOp, { v, g }, null).w;
}
