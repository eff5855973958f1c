import { checkTensor } from '../checks/check-tensor.js';
import type { DType } from '@initlab/kernels';
import { registerCast } from '../op/autocast.js';
import { checkDType } from '../checks/check-options.js';
import { applyOne, type BackwardRule } from '../op/op.js';
import type { Tensor } from '../tensor/tensor.js';
import { definePointwise, type PointwiseAttrs } from './pointwise.js';

const back: BackwardRule<PointwiseAttrs> = ({ grads: [g], inputs: [x] }) => [g && x && cast(g, x.dtype)];
const castOp = definePointwise('cast', { backward: back, backwardDifferentiable: true });

/**
 * The tensor in another element type, f32, f16, i32 or u32 (PyTorch's `to(dtype)`); itself when it has it. Fractions are cut off
 * on the way to whole numbers, and whole numbers above 2²⁴ lose digits.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', x);
  if (x.dtype === dtype) return x;
  checkDType('cast', dtype);
  return applyOne(castOp, [x], { f: { kind: 'copy' }, args: [{ operand: 0 }], dtype });
}
registerCast(cast);
