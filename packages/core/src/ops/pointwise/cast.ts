import type { DType } from '@initlab/kernels';
import { checkDType } from '../../checks/check-options.js';
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
