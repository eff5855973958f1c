import { checkTensor } from '../tensor/check-tensor.js';
import { planArgmax } from '@initlab/kernels';
import { OpError, showShape } from '../checks/errors.js';
import { applyOne, defineOp } from '../op/op.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkFloat } from './check-float.js';

const argmaxOp = defineOp<Record<string, never>>()({
  name: 'argmax',
  inputs: ['x'],
  outputs: ['y'],
  infer: ({ x }) => ({ y: { shape: x.shape.slice(0, -1), dtype: 'i32', format: 'rowMajor' } }),
  plan: ({ inputs: { x }, target }) =>
    planArgmax({ rows: x.shape[0] ?? 0, classes: x.shape[1] ?? 0, dtype: x.dtype === 'f16' ? 'f16' : 'f32' }, target),
});

/** Index of the largest element of each row of [N, C] → [N] (i32); the first of equals, NaN wins. Not differentiable. */
export function argmax(x: Tensor): Tensor {
  checkTensor('argmax', x);
  if (x.ndim !== 2) throw new OpError('argmax', `takes [N, C], got ${showShape(x.shape)}`);
  checkFloat('argmax', x);
  if (x.shape[1] === 0) throw new OpError('argmax', `there is no largest of nothing: the rows of ${showShape(x.shape)} have no elements`);
  return applyOne(argmaxOp, { x }, {});
}
