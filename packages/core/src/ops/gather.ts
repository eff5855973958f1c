import { planGather } from '@initlab/kernels';
import { OpError, showShape } from '../errors.js';
import { applyOne, defineOp } from '../op.js';
import { sizeOf } from '../spec.js';
import type { Tensor } from '../tensor.js';

const gatherOp = defineOp<Record<string, never>>({
  name: 'gather',
  inputs: ['x', 'index'],
  outputs: ['y'],
  infer: ([x, index]) => [{ shape: index?.shape ?? [], dtype: x?.dtype ?? 'i32', format: 'rowMajor' }],
  plan: ({ inputs: [, index], target }) => planGather(sizeOf(index?.shape ?? []), target),
});

/** x[index] of a vector (labels of a batch); `index` is i32 and must lie inside. Not differentiable. */
export function gather(x: Tensor, index: Tensor): Tensor {
  if (x.ndim !== 1 || index.dtype !== 'i32' || x.dtype === 'f16')
    throw new OpError('gather', `takes a 32-bit vector and i32 indices, got ${x.dtype} ${showShape(x.shape)} and ${index.dtype}`);
  return applyOne(gatherOp, [x, index], {});
}
