import { planGather } from '@initlab/kernels';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { rowMajor, sizeOf } from '../../storage/spec.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

const takeOp = defineOp<Record<string, never>>()({
  name: 'gather',
  inputs: ['x', 'index'],
  outputs: ['y'],
  infer: ({ x, index }) => ({ y: rowMajor(index.shape, x.dtype) }),
  plan: ({ inputs: { x, index }, target }) => {
    const dtype = x.dtype === 'f32' || x.dtype === 'u32' ? x.dtype : 'i32';
    return planGather({ length: sizeOf(x.shape), count: sizeOf(index.shape), dtype }, target);
  },
});

/**
 * x[index] of a vector (labels of a batch; PyTorch's `take`): any shape of i32 indices from 0. Where PyTorch throws, an index
 * outside gives NaN, or −1 of whole numbers, which `crossEntropy` answers with NaN: a kernel cannot throw. Not differentiable;
 * `indexSelect` and `gather` along a dimension are.
 */
export const take = (x: Tensor, index: Tensor): Tensor => takeElements('take', { x, index });

/** The same; `op` is what an error names. */
export function takeElements(op: string, { x, index }: { x: Tensor; index: Tensor }): Tensor {
  checkTensors(op, { x, index });
  if (x.ndim !== 1)
    throw new OpError(
      op,
      `takes elements of a vector, got x ${showShape(x.shape)}; it is PyTorch's take, so x.flatten(0) gives it all elements in a row${op === 'gather' ? ', and along a dimension it is gather(x, index, { dim })' : ''}`,
    );
  if (index.dtype !== 'i32' || x.dtype === 'f16')
    throw new OpError(
      op,
      `takes a 32-bit vector and i32 indices, got ${x.dtype} ${showShape(x.shape)} and ${index.dtype}; cast() them, e.g. .to('i32')`,
    );
  if (x.size === 0 && index.size > 0)
    throw new OpError(op, `there is nothing to take ${showShape(index.shape)} elements from: x is ${showShape(x.shape)}`);
  return applyOne(takeOp, { x, index }, {});
}
