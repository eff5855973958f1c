import { planCopyRegions } from '@initlab/kernels';
import { checkList } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { copyTo, logicalStrides, rowMajor } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

const permuteOp = defineOp<{ dims: readonly number[] }>()({
  name: 'permute',
  inputs: ['x'],
  outputs: ['y'],
  infer: ({ x }, { dims }) => ({
    y: rowMajor(
      dims.map((d) => x.shape[d] ?? 0),
      x.dtype,
    ),
  }),
  plan: ({ inputs: { x }, outputs: { y }, attrs: { dims }, target }) => {
    const from = logicalStrides(x);
    return planCopyRegions([copyTo(y, { strides: dims.map((d) => from[d] as number) })], target);
  },
  backward: ({ grads, attrs: { dims } }) => {
    const back = dims.map((_, i) => dims.indexOf(i));
    return { x: permute(grads.y, back) };
  },
  backwardDifferentiable: true,
});

/** Dimensions in another order, as a row-major copy (PyTorch's `permute(...).contiguous()`). */
export function permute(x: Tensor, dims: readonly number[], ...more: never[]): Tensor {
  checkTensor('permute', x);
  checkList('permute', 'the order of dimensions', { list: dims, more });
  const order = dims.map((d) => (d < 0 ? d + x.ndim : d));
  if (order.length !== x.ndim || new Set(order).size !== x.ndim || order.some((d) => !Number.isInteger(d) || d < 0 || d >= x.ndim))
    throw new OpError('permute', `dims ${showShape(dims)} are not an order of the dimensions of ${showShape(x.shape)}`);
  return applyOne(permuteOp, { x }, { dims: order });
}
