import { checkList } from '../../checks/check-arguments.js';
import { OpError, showShape, showValue } from '../../checks/errors.js';
import { applyOne, defineOp, noPlan } from '../../op/op.js';
import { sameShape, sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

const reshapeOp = defineOp<{ shape: readonly number[] }>()({
  name: 'reshape',
  inputs: ['x'],
  outputs: ['y'],
  view: 'x',
  formats: () => ({ x: 'rowMajor' }),
  infer: ({ x }, { shape }) => ({ y: { shape, dtype: x.dtype, format: 'rowMajor' } }),
  plan: noPlan,
  backward: ({ grads, inputs: { x } }) => ({ x: reshape(grads.y, x.shape) }),
  backwardDifferentiable: true,
});

/**
 * The same elements in another shape, in PyTorch's (row-major) order; one size may be −1. Shares the bytes, except
 * that a channels-last tensor is put into row-major order first.
 */
export function reshape(x: Tensor, shape: readonly number[], ...more: never[]): Tensor {
  checkTensor('reshape', x);
  checkList('reshape', 'the shape', { list: shape, more });
  const known = shape.filter((d) => d !== -1);
  if (known.length < shape.length && x.size === 0 && known.includes(0))
    throw new OpError('reshape', `−1 in ${showShape(shape)} can be any size for ${showShape(x.shape)}, which has no elements; name it`);
  const rest = x.size / Math.max(1, sizeOf(known));
  const full = shape.map((d) => (d === -1 ? rest : d));
  if (shape.length - known.length > 1 || !full.every((d) => Number.isInteger(d) && d >= 0) || sizeOf(full) !== x.size)
    throw new OpError('reshape', `${showShape(x.shape)} (${x.size} elements) does not fit shape ${showShape(shape)}`);
  if (sameShape(full, x.shape)) return x;
  return applyOne(reshapeOp, { x }, { shape: full });
}

/** Dimensions from `startDim` on merged into one (PyTorch's `flatten(start_dim)`; default 1, as `nn.Flatten`). */
export function flatten(x: Tensor, startDim = 1): Tensor {
  checkTensor('flatten', x);
  // A scalar counts as a vector of one.
  const most = Math.max(x.ndim, 1);
  if (!Number.isInteger(startDim) || startDim < -most || startDim >= most)
    throw new OpError('flatten', `startDim ${showValue(startDim)} is no dimension of ${showShape(x.shape)}`);
  return reshape(x, [...x.shape.slice(0, startDim), x.shape.slice(startDim).reduce((a, b) => a * b, 1)]);
}
