import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sameShape } from '../../storage/spec.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { takeAlong } from '../indexed/indexed-ops.js';
import { div, mul, notEqual } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { neg } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';
import { asRows, checkClassOptions, classesOf, withoutClasses } from './class-rows.js';
import type { CrossEntropyOptions } from './cross-entropy.js';

/** Options of `nllLoss`, which are of `crossEntropy` too. */
export interface NllLossOptions extends Pick<CrossEntropyOptions, 'weight' | 'ignoreIndex' | 'reduction'> {}

/**
 * Negative log likelihood: −x[i, target[i]] of log probabilities [N, C] and class indices [N], i32 (PyTorch's `F.nll_loss`); also
 * [N, C, d₁, …] with [N, d₁, …], and [C] with []. In f32: a scalar, or with `reduction: 'none'` the target's shape.
 *
 * A class outside 0 … C − 1 that is not ignored makes its loss NaN. Throws `OpError` for shapes and types that do not fit.
 */
export function nllLoss(x: Tensor, target: Tensor, options: NllLossOptions = {}): Tensor {
  checkTensors('nllLoss', { x, target });
  checkFloat('nllLoss', x);
  checkOptions('nllLoss', options, ['reduction', 'weight', 'ignoreIndex']);
  const { reduction = 'mean', weight, ignoreIndex = -100 } = options;
  const { shape } = x;
  if (x.ndim === 0 || !sameShape(target.shape, withoutClasses(shape)) || target.dtype !== 'i32')
    throw new OpError(
      'nllLoss',
      `takes log probabilities [N, C] or [N, C, d1, …] and i32 targets [N] or [N, d1, …], got ${showShape(shape)} and ${target.dtype} ${showShape(target.shape)}`,
    );
  checkClassOptions('nllLoss', { weight, ignoreIndex, reduction }, classesOf(shape));
  using whole = new AllOrNothing();
  const targets = reshape(target, [target.size]);
  const counted = notEqual(targets, ignoreIndex);
  const index = where(counted, targets, 0);
  const chosen = reshape(takeAlong(asRows(cast(x, 'f32')), reshape(index, [target.size, 1]), 1), [target.size]);
  const each = where(counted, neg(chosen), 0);
  const factors = weight ? where(counted, takeAlong(cast(weight, 'f32'), index, 0), 0) : undefined;
  const losses = factors ? mul(each, factors) : each;
  if (reduction === 'none') return whole.done(reshape(losses, target.shape));
  const total = sum(losses);
  return whole.done(reduction === 'sum' ? total : div(total, sum(factors ?? cast(counted, 'f32'))));
}
