import { OpError } from './errors.js';

/** Throws unless `shape` is a list of whole numbers ≥ 0, which a shape given as PyTorch's positional sizes is not. */
export function checkShape(op: string, shape: readonly number[]): void {
  if (!Array.isArray(shape)) throw new OpError(op, `takes a shape as a list, e.g. [2, 3], got ${String(shape)}`);
  if (!shape.every((d) => Number.isInteger(d) && d >= 0))
    throw new OpError(op, `shape [${shape.join(', ')}] is not made of whole numbers ≥ 0`);
}
