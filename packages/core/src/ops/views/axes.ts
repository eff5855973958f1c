import { checkList } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { permute } from './permute.js';
import { reshape } from './reshape.js';

/**
 * Without the dimensions of size 1 (PyTorch's `squeeze`), or without those of the named ones that have it; shares the bytes, as
 * `reshape`.
 */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  checkTensor('squeeze', x);
  const list = typeof dim === 'number' ? [dim] : dim;
  if (list !== undefined) checkList('squeeze', 'the dimensions', { list });
  const named = list?.map((d) => axis('squeeze', x, d));
  return reshape(
    x,
    x.shape.filter((size, d) => size !== 1 || (named !== undefined && !named.includes(d))),
  );
}

/** Where a new dimension of `x` is put, counted from 0. */
export function newAxis(op: string, x: Tensor, dim: number): number {
  const at = dim < 0 ? dim + x.ndim + 1 : dim;
  if (!Number.isInteger(at) || at < 0 || at > x.ndim)
    throw new OpError(op, `dim ${dim} is no place in ${showShape(x.shape)}; it takes ${-x.ndim - 1} to ${x.ndim}`);
  return at;
}

/** A dimension of size 1 put before `dim`, or, counted from the end, behind it (PyTorch's `unsqueeze`): −1 is the last of the result. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', x);
  return reshape(x, x.shape.toSpliced(newAxis('unsqueeze', x, dim), 0, 1));
}

/** Two dimensions swapped: `transpose(x, [0, 1])` (PyTorch's `transpose(0, 1).contiguous()`). */
export function transpose(x: Tensor, dims: readonly [number, number], ...more: never[]): Tensor {
  checkTensor('transpose', x);
  checkList('transpose', 'the two dimensions', { list: dims, more });
  if (dims.length !== 2) throw new OpError('transpose', `swaps two dimensions, got ${showShape(dims)}`);
  const [a, b] = dims.map((d) => axis('transpose', x, d)) as [number, number];
  const order = x.shape.map((_, d) => (d === a ? b : d === b ? a : d));
  return permute(x, order);
}
