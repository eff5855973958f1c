import { checkList } from '../../checks/check-arguments.js';
import { OpError, showShape, showValue } from '../../checks/errors.js';
import { applyOne, defineOp, type FormatWish, noPlan, type Op } from '../../op/op.js';
import { rowMajor, sameShape, sizeOf, type TensorSpec } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

interface View<A> {
  /** How x has to lie; default: as it does. */
  readonly of?: FormatWish;
  readonly infer: (x: TensorSpec, attrs: A) => TensorSpec;
  readonly backward: (dy: Tensor, x: Tensor) => Tensor;
}

/** An op that runs nothing: its result is x's bytes, seen with another spec. */
export const defineView = <A>(name: string, { of = 'keep', infer, backward }: View<A>): Op<A, ['x'], ['y']> =>
  defineOp<A>()({
    name,
    inputs: ['x'],
    outputs: ['y'],
    view: 'x',
    formats: () => ({ x: of }),
    infer: ({ x }, attrs) => ({ y: infer(x, attrs) }),
    plan: noPlan,
    backward: ({ grads, inputs: { x } }) => ({ x: backward(grads.y, x) }),
    backwardDifferentiable: true,
  });

const reshapeOp = defineView<{ shape: readonly number[] }>('reshape', {
  of: 'rowMajor',
  infer: ({ dtype }, { shape }) => rowMajor(shape, dtype),
  backward: (dy, x) => reshape(dy, x.shape),
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

const aliasOp = defineView<null>('alias', { infer: (x) => x, backward: (dy) => dy });

/**
 * The same elements as another tensor, with a place of its own on the tape (PyTorch's `x.view_as(x)`): a hook registered on it sees the
 * gradient of those uses of `x` that went through it. Shares the bytes.
 */
export function alias(x: Tensor): Tensor {
  checkTensor('alias', x);
  return applyOne(aliasOp, { x }, null);
}
