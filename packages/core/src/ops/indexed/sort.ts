import { checkFlags, checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { noGrad } from '../../op/tape.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { narrow } from '../region/regions.js';
import { argsort, takeAlong } from './indexed-ops.js';

/** Values in order, and where each stood (i32). */
export interface Sorted {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** Options of `sort`. */
export interface SortOptions {
  /** Default: the last. */
  readonly dim?: number;
  /** Largest first; default false. */
  readonly descending?: boolean;
}

interface Wanted {
  readonly dim: number | undefined;
  readonly descending: boolean;
  /** Default: all. */
  readonly count?: number;
}

function firstOf(op: string, x: Tensor, { dim: named = -1, descending, count }: Wanted): Sorted {
  if (x.ndim === 0) throw new OpError(op, 'takes a tensor of one dimension or more; unsqueeze(x, 0) makes one of a scalar');
  const dim = axis(op, x, named);
  const size = x.shape[dim] as number;
  const length = count ?? size;
  if (length > size) throw new OpError(op, `there are no ${length} along dimension ${dim} of ${showShape(x.shape)}`);
  using whole = new AllOrNothing();
  const all = noGrad(() => argsort(x, { dim, descending }));
  const indices = length === size ? all : noGrad(() => narrow(all, { dim, start: 0, length }));
  return whole.done({ values: takeAlong(x, indices, dim), indices });
}

/**
 * Values along `dim` in order, and their indices (PyTorch's `sort`): stable, NaN counts as the largest. Any type, row-major;
 * the values have a gradient.
 */
export function sort(x: Tensor, options: SortOptions = {}): Sorted {
  checkTensor('sort', x);
  checkOptions('sort', options, ['dim', 'descending']);
  const { dim, descending = false } = options;
  checkFlags('sort', { descending });
  return firstOf('sort', x, { dim, descending });
}

/** Options of `topk`. */
export interface TopkOptions {
  /** Default: the last. */
  readonly dim?: number;
  /** False gives the smallest; default true. */
  readonly largest?: boolean;
}

/** The `k` largest along `dim` in order, of equals the first, with their indices (PyTorch's `topk`); otherwise as `sort`. */
export function topk(x: Tensor, k: number, options: TopkOptions = {}): Sorted {
  checkTensor('topk', x);
  checkOptions('topk', options, ['dim', 'largest']);
  const { dim, largest = true } = options;
  checkFlags('topk', { largest });
  checkNumber('topk', { k }, { from: 0, whole: true });
  return firstOf('topk', x, { dim, descending: largest, count: k });
}
