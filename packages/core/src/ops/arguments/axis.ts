import { OpError, showShape } from '../../checks/errors.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

/** A dimension of `x` as the user named it, counted from 0; negative ones count from the end. */
export function axis(op: string, x: Tensor, dim: number): number {
  checkTensor(op, x);
  const found = dim < 0 ? dim + x.ndim : dim;
  if (!Number.isInteger(found) || found < 0 || found >= x.ndim)
    throw new OpError(op, `dim ${dim} is no dimension of ${showShape(x.shape)}`);
  return found;
}
