import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { add } from '../pointwise/binary.js';
import { cropped, padConstant } from '../region/regions.js';
import { addAlong, checkIndex } from './indexed-ops.js';

/** Options of `scatterAdd`. */
export interface ScatterAddOptions {
  /** What is added: of x's type, and at least of the index's size everywhere. */
  readonly source: Tensor;
  /** Dimension that the index points into; default 0. */
  readonly dim?: number;
}

/**
 * `x` with the elements of `source` added where the index of each says (PyTorch's `scatter_add(dim, index, source)`):
 * y[index[i][j]][j] += source[i][j] for dim 0. Sums go in the index's order, so that the bits are the same every time. `index`, i32, has
 * as many dimensions as x; where it is smaller than `source`, only that part is added. Indices outside add nothing. Row-major.
 */
export function scatterAdd(x: Tensor, index: Tensor, options: ScatterAddOptions): Tensor {
  checkTensors('scatterAdd', { x, index });
  checkOptions('scatterAdd', options, ['source', 'dim']);
  const { source } = options;
  checkTensor('scatterAdd', source, 'source');
  const dim = axis('scatterAdd', x, options.dim ?? 0);
  checkIndex('scatterAdd', { x, index, dim });
  if (source.dtype !== x.dtype) throw new OpError('scatterAdd', `source is ${source.dtype} and x ${x.dtype}; cast() them alike`);
  const fits = index.ndim === x.ndim && source.ndim === x.ndim;
  if (!fits || index.shape.some((size, d) => size > (source.shape[d] as number) || (d !== dim && size > (x.shape[d] as number))))
    throw new OpError(
      'scatterAdd',
      `index ${showShape(index.shape)} must have the dimensions of x ${showShape(x.shape)} and of source ${showShape(source.shape)}, and be no larger than these (than x along ${dim}, it may)`,
    );
  using whole = new AllOrNothing();
  const sums = addAlong(cropped(source, index.shape), index, { dim, length: x.shape[dim] as number });
  const missing = x.shape.map((size, d) => size - (sums.shape[d] as number));
  const before = missing.map(() => 0);
  const filled = missing.some((size) => size > 0) ? padConstant(sums, { before, after: missing, value: 0 }) : sums;
  return whole.done(add(x, filled));
}
