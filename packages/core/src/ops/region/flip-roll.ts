import { checkList, checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { reshape } from '../views/reshape.js';
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

const listOf = (value: number | readonly number[]): readonly number[] => (Array.isArray(value) ? value : [value as number]);

/**
 * `x` moved by `shifts` slices along `dim`, what leaves at the end coming back at the start (PyTorch's `roll`): a number each, or lists
 * of as many. Without `dim` all elements in a row. Any type, same shape.
 */
export function roll(x: Tensor, shifts: number | readonly number[], options: { dim?: number | readonly number[] } = {}): Tensor {
  checkTensor('roll', x);
  checkOptions('roll', options, ['dim']);
  const far = listOf(shifts);
  far.forEach((shift) => {
    checkNumber('roll', { shifts: shift }, { from: -(2 ** 31), whole: true });
  });
  using whole = new AllOrNothing();
  if (options.dim === undefined) {
    if (far.length !== 1) throw new OpError('roll', `${far.length} shifts need as many dimensions: roll(x, [1, 2], { dim: [0, 1] })`);
    return whole.done(reshape(rolled(reshape(x, [x.size]), 0, far[0] as number), x.shape));
  }
  const dims = listOf(options.dim).map((d) => axis('roll', x, d));
  if (dims.length !== far.length || dims.length === 0)
    throw new OpError('roll', `takes as many shifts as dimensions, got ${far.length} and ${dims.length}`);
  return whole.done(dims.reduce((y, dim, i) => rolled(y, dim, far[i] as number), x));
}

function rolled(x: Tensor, dim: number, shift: number): Tensor {
  const length = x.shape[dim] as number;
  const first = length === 0 ? 0 : ((-shift % length) + length) % length;
  return piecesAlong(x, dim, [
    { start: first, step: 1, length: length - first },
    { start: 0, step: 1, length: first },
  ]);
}
