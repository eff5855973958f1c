import type { DType } from '@initlab/kernels';
import { registerCast } from '../autocast.js';
import { applyOne, type BackwardRule } from '../op.js';
import type { Tensor } from '../tensor.js';
import { definePointwise, type PointwiseAttrs } from './pointwise.js';

const back: BackwardRule<PointwiseAttrs> = ({ grads: [g], inputs: [x] }) => [g && x && cast(g, x.dtype)];
const castOp = definePointwise('cast', { backward: back, backwardDifferentiable: true });

/** The tensor in another element type (PyTorch's `to(dtype)`); itself when it has it. Integers above 2²⁴ lose digits. */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  return applyOne(castOp, [x], { f: { kind: 'copy' }, args: [{ operand: 0 }], dtype });
}
registerCast(cast);
