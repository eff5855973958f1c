import { checkOptions } from '../../checks/check-options.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensorOptions, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/check-float.js';
import { checkReduction, type Reduction } from '../arguments/reduction.js';
import { takeAlong } from '../indexed/indexed-ops.js';
import { div, mul, notEqual } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { neg } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';

/** Options of `nllLoss`. */
export interface NllLossOptions {
  /** Default `mean`: over the weights of the targets. */
  readonly reduction?: Reduction | undefined;
  /** One factor for each class. */
  readonly weight?: Tensor | undefined;
  /** A target that does not count; default −100. */
  readonly ignoreIndex?: number | undefined;
}

/** Negative log likelihood: −x[i, target[i]] of log probabilities [N, C] and class indices [N] (PyTorch's `F.nll_loss`); in f32. */
export function nllLoss(x: Tensor, target: Tensor, options: NllLossOptions = {}): Tensor {
  checkTensors('nllLoss', { x, target });
  checkFloat('nllLoss', x);
  checkOptions('nllLoss', options, ['reduction', 'weight', 'ignoreIndex']);
  const { reduction = 'mean', weight, ignoreIndex = -100 } = options;
  checkReduction('nllLoss', reduction);
  checkTensorOptions('nllLoss', { weight });
  if (x.ndim !== 2 || target.ndim !== 1 || target.size !== x.shape[0] || target.dtype !== 'i32')
    throw new OpError(
      'nllLoss',
      `takes log probabilities [N, C] and i32 targets [N], got ${showShape(x.shape)} and ${target.dtype} ${showShape(target.shape)}`,
    );
  if (weight && (weight.ndim !== 1 || weight.size !== x.shape[1]))
    throw new OpError('nllLoss', `weight ${showShape(weight.shape)} should be [${x.shape[1]}]`);
  using whole = new AllOrNothing();
  const counted = notEqual(target, ignoreIndex);
  const index = where(counted, target, 0);
  const chosen = reshape(takeAlong(cast(x, 'f32'), reshape(index, [target.size, 1]), 1), [target.size]);
  const each = where(counted, neg(chosen), 0);
  const factors = weight ? where(counted, takeAlong(cast(weight, 'f32'), index, 0), 0) : undefined;
  const losses = factors ? mul(each, factors) : each;
  if (reduction === 'none') return whole.done(losses);
  const total = sum(losses);
  return whole.done(reduction === 'sum' ? total : div(total, sum(factors ?? cast(counted, 'f32'))));
}
