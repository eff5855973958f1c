import { checkList } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { piecesAlong } from './pieces-along.js';

/** `x` with the order of the named dimensions reversed: `flip(x, [3])` mirrors images (PyTorch's `flip`); any type, same shape. */
export function flip(x: Tensor, dims: readonly number[], ...more: never[]): Tensor {
  checkTensor('flip', x);
  checkList('flip', 'the dimensions', { list: dims, more });
  const found = dims.map((d) => axis('flip', x, d));
  if (new Set(found).size !== found.length) throw new OpError('flip', `a dimension is named twice in ${showShape(dims)}`);
  using whole = new AllOrNothing();
  return whole.done(
    found.reduce((y, dim) => {
      const length = y.shape[dim] as number;
      return piecesAlong(y, dim, [{ start: length - 1, step: -1, length }]);
    }, x),
  );
}
