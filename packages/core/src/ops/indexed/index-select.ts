import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { checkIndex, takeAlong } from './indexed-ops.js';

/**
 * Slices of `x` along `dim`, default 0, by a vector of i32 indices (PyTorch's `index_select`, and `x[index]`): the dimension gets the
 * index's size. Any type, row-major. An index outside gives NaN, or −1 of whole numbers: a kernel cannot throw.
 */
export function indexSelect(x: Tensor, index: Tensor, options: { dim?: number } = {}): Tensor {
  checkTensors('indexSelect', { x, index });
  checkOptions('indexSelect', options, ['dim']);
  const dim = axis('indexSelect', x, options.dim ?? 0);
  checkIndex('indexSelect', { x, index, dim });
  if (index.ndim !== 1)
    throw new OpError('indexSelect', `takes a vector of indices, got ${showShape(index.shape)}; gather() takes one an element`);
  return takeAlong(x, index, dim);
}
