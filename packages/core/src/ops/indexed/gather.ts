import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { cropped } from '../region/regions.js';
import { checkIndex, takeAlong } from './indexed-ops.js';
import { takeElements } from './take.js';

/**
 * Elements of `x` along `dim` by an index for each (PyTorch's `gather(x, dim, index)`): y[i][j] = x[index[i][j]][j] for dim 0. `index`, i32,
 * has as many dimensions as x and is nowhere larger but along `dim`; the result has its shape. An index outside gives NaN, or −1
 * of whole numbers: a kernel cannot throw. Without `dim` it is `take`: x a vector, the index of any shape, no gradient.
 */
export function gather(x: Tensor, index: Tensor, options: { dim?: number } = {}): Tensor {
  checkTensors('gather', { x, index });
  checkOptions('gather', options, ['dim']);
  if (options.dim === undefined) return takeElements('gather', { x, index });
  const dim = axis('gather', x, options.dim);
  checkIndex('gather', { x, index, dim });
  if (index.ndim !== x.ndim || index.shape.some((size, d) => d !== dim && size > (x.shape[d] as number)))
    throw new OpError(
      'gather',
      `index ${showShape(index.shape)} must have the dimensions of ${showShape(x.shape)} and may be larger only along ${dim}`,
    );
  using whole = new AllOrNothing();
  const reached = cropped(x, index.shape.with(dim, x.shape[dim] as number));
  return whole.done(takeAlong(reached, index, dim));
}

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
