import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape, showValue } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { orCopy, piecesAlong } from './pieces-along.js';
import { narrow } from './regions.js';

/** Part of one dimension, as Python writes `start:end:step`. */
export interface SliceRange {
  /** First; negative ones count from the end. Default 0. */
  readonly start?: number;
  /** The first that is left out; negative ones count from the end, and beyond it is the end. Default: the end. */
  readonly end?: number;
  /** From one to the next, at least 1 as in PyTorch (`flip` turns around). Default 1. */
  readonly step?: number;
}

/**
 * Parts of the first dimensions, as a copy (PyTorch's `x[1:5, ::2]` is `slice(x, [{ start: 1, end: 5 }, { step: 2 }])`): one range a
 * dimension, `null` for all of it; dimensions that are not named stay. Bounds outside are the ends, as in Python. Any type.
 */
export function slice(x: Tensor, ranges: readonly (SliceRange | null)[], ...more: never[]): Tensor {
  checkTensor('slice', x);
  if (!Array.isArray(ranges) || more.length > 0)
    throw new OpError(
      'slice',
      `takes a list of ranges, slice(x, [{ start: 1, end: 5 }]), got ${[ranges, ...more].map(showValue).join(', ')}`,
    );
  if (ranges.length > x.ndim)
    throw new OpError('slice', `got ${ranges.length} ranges for the ${x.ndim} dimensions of ${showShape(x.shape)}`);
  const list: readonly (SliceRange | null)[] = ranges;
  using whole = new AllOrNothing();
  const found = list.reduce<Tensor>((y, range, dim) => (range === null ? y : sliced(y, dim, range)), x);
  return whole.done(orCopy(found, x));
}

function sliced(x: Tensor, dim: number, range: SliceRange): Tensor {
  checkOptions('slice', range, ['start', 'end', 'step']);
  const size = x.shape[dim] as number;
  const { start = 0, end = size, step = 1 } = range;
  checkNumber('slice', { start, end }, { from: -Number.MAX_SAFE_INTEGER, whole: true });
  checkNumber('slice', { step }, { from: 1, whole: true });
  const bound = (value: number): number => Math.min(Math.max(value < 0 ? value + size : value, 0), size);
  const first = bound(start);
  const length = Math.max(0, Math.ceil((bound(end) - first) / step));
  if (step === 1) return first === 0 && length === size ? x : narrow(x, { dim, start: first, length });
  return piecesAlong(x, dim, [{ start: first, step, length }]);
}
