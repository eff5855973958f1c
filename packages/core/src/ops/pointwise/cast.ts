import type { DType } from '@initlab/kernels';
import { checkDType } from '../../checks/check-arguments.js';
import { autocasting } from '../../op/autocast.js';
import { applyOne } from '../../op/op.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { definePointwise } from './pointwise.js';

const castOp = definePointwise('cast', {
  backward: ({ grads: { y0: g }, inputs: { x0: x } }) => ({ x0: cast(g, x.dtype) }),
  backwardDifferentiable: true,
});

/**
 * The tensor in another element type, f32, f16, i32 or u32 (PyTorch's `to(dtype)`); itself when it has it. Fractions are cut off
 * on the way to whole numbers, and whole numbers above 2²⁴ lose digits.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', x);
  if (x.dtype === dtype) return x;
  checkDType('cast', dtype);
  return applyOne(castOp, { x0: x }, { f: { kind: 'copy' }, args: [{ operand: 0 }], dtype });
}

/** An f32 activation as mixed precision stores it. */
export const lowered = (x: Tensor): Tensor => (autocasting() && x.dtype === 'f32' ? cast(x, 'f16') : x);

/** An operand of what mixed precision computes in f32. */
export const lifted = (x: Tensor): Tensor => (autocasting() && x.dtype === 'f16' ? cast(x, 'f32') : x);

/** A parameter, which is f32, to meet activations of halves in an op that is made of others: as they are, but in mixed precision in f32. */
export const besides = (x: Tensor, parameter: Tensor): Tensor => (autocasting() ? parameter : cast(parameter, x.dtype));
