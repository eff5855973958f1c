import { checkOptions } from '../check-options.js';
import { OpError } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { mul, sub } from './binary.js';
import { type ReduceOptions, reducedDims, reduceOptions } from './reduce-parts.js';
import { mean, sum } from './sum.js';
import { square } from './unary.js';

/**
 * Variance over `dim` (PyTorch's `var`), in two passes (the mean first), so that a large mean costs no digits. `correction` 1 is the
 * unbiased estimate, PyTorch's default; 0 the biased one.
 */
export function variance(x: Tensor, options: ReduceOptions & { correction?: number } = {}): Tensor {
  checkOptions('variance', options, [...reduceOptions, 'correction']);
  const { keepdim = false, correction = 1 } = options;
  const over = reducedDims('variance', x, options);
  const count = over.reduce((n, d) => n * (x.shape[d] as number), 1);
  if (count - correction <= 0) throw new OpError('variance', `needs more than ${correction} values per result, got ${count}`);
  const deviation = sub(x, mean(x, { dims: over, keepdim: true }));
  return mul(sum(square(deviation), { dims: over, keepdim }), 1 / (count - correction));
}
