import { checkFlags, checkNumber } from '../../checks/check-numbers.js';
import { checkOptions } from '../../checks/check-options.js';
import { OpError, showShape } from '../../checks/errors.js';
import { noGrad } from '../../op/tape.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/axis.js';
import { narrow } from '../region/regions.js';
import { argsort } from './argsort-op.js';
import { takeAlong } from './indexed-ops.js';

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

function firstOf(op: string, x: Tensor, { dim, descending, count }: { dim: number; descending: boolean; count: number }): Sorted {
  if (x.ndim === 0) throw new OpError(op, 'takes a tensor of one dimension or more; unsqueeze(x, 0) makes one of a scalar');
  using whole = new AllOrNothing();
  const all = noGrad(() => argsort(x, { dim, descending }));
  const indices = count === x.shape[dim] ? all : noGrad(() => narrow(all, { dim, start: 0, length: count }));
  return whole.done({ values: takeAlong(x, indices, dim), indices });
}

/**
 * Values along `dim` in order, and their indices (PyTorch's `sort`): stable, NaN counts as the largest. Any type, row-major;
 * the values have a gradient.
 */
export function sort(x: Tensor, options: SortOptions = {}): Sorted {
  checkTensor('sort', x);
  checkOptions('sort', options, ['dim', 'descending']);
  const { descending = false } = options;
  checkFlags('sort', { descending });
  const dim = x.ndim === 0 ? 0 : axis('sort', x, options.dim ?? -1);
  return firstOf('sort', x, { dim, descending, count: x.shape[dim] as number });
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
  const { largest = true } = options;
  checkFlags('topk', { largest });
  const dim = x.ndim === 0 ? 0 : axis('topk', x, options.dim ?? -1);
  checkNumber('topk', { k }, { from: 0, whole: true });
  if (k > (x.shape[dim] ?? 0)) throw new OpError('topk', `there are no ${k} along dimension ${dim} of ${showShape(x.shape)}`);
  return firstOf('topk', x, { dim, descending: largest, count: k });
}
