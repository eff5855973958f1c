import { checkChoice, checkFlags, checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sameShape } from '../../storage/spec.js';
import { checkTensorOptions, checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat, promoted } from '../arguments/operands.js';
import { add, div, less, mul, notEqual, sub } from '../pointwise/binary.js';
import { cast, lifted } from '../pointwise/cast.js';
import { abs, exp, log, neg, softplus, square } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { mean, sum } from '../sum/sum.js';
import { checkReduction, type Reduction } from './class-rows.js';

/** Option of the losses that take one value of two tensors for each element. */
export interface LossOptions {
  /** Default: the mean. */
  readonly reduction?: Reduction;
}

/** Losses element by element, in f32 whatever comes in, since sums of halves lose digits; the result has the operands' type. */
function elementwise(
  op: string,
  { x, target, reduction = 'mean' }: { x: Tensor; target: Tensor; reduction: Reduction | undefined },
  losses: (x: Tensor, target: Tensor) => Tensor,
): Tensor {
  checkTensors(op, { x, target });
  checkFloat(op, x);
  checkReduction(op, reduction);
  if (!sameShape(x.shape, target.shape)) throw new OpError(op, `shapes ${showShape(x.shape)} and ${showShape(target.shape)} differ`);
  using whole = new AllOrNothing();
  const dtype = promoted(op, [lifted(x), lifted(target)]);
  const found = losses(cast(x, 'f32'), cast(target, 'f32'));
  return whole.done(cast(reduction === 'mean' ? mean(found) : reduction === 'sum' ? sum(found) : found, dtype));
}

/** Squared error of equal shapes, by default its mean (PyTorch's `F.mse_loss`). */
export function mseLoss(x: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('mseLoss', options, ['reduction']);
  return elementwise('mseLoss', { x, target, reduction: options.reduction }, (a, b) => square(sub(a, b)));
}

/** Absolute error of equal shapes, by default its mean (PyTorch's `F.l1_loss`). */
export function l1Loss(x: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkOptions('l1Loss', options, ['reduction']);
  return elementwise('l1Loss', { x, target, reduction: options.reduction }, (a, b) => abs(sub(a, b)));
}

/**
 * Squares below `beta`, default 1, and absolute errors above, joined smoothly (PyTorch's `F.smooth_l1_loss`): ½ d² / β, else
 * |d| − ½ β. β = 0 is `l1Loss`.
 */
export function smoothL1Loss(x: Tensor, target: Tensor, options: LossOptions & { readonly beta?: number } = {}): Tensor {
  checkOptions('smoothL1Loss', options, ['reduction', 'beta']);
  const { beta = 1, reduction } = options;
  checkNumber('smoothL1Loss', { beta }, { from: 0 });
  return elementwise('smoothL1Loss', { x, target, reduction }, (a, b) => {
    const off = sub(a, b);
    const size = abs(off);
    if (beta === 0) return size;
    const near = less(size, beta);
    // Not the square of what is far: of an infinite one its gradient would be 0 · ∞.
    return where(near, mul(square(where(near, off, 0)), 0.5 / beta), sub(size, 0.5 * beta));
  });
}

/** Options of `binaryCrossEntropyWithLogits`. */
export interface BinaryCrossEntropyOptions extends LossOptions {
  /** Factor of the losses where the target is 1, a shape that broadcasts to the logits': above 1 for rare classes. */
  readonly posWeight?: Tensor | undefined;
}

/**
 * Cross entropy of independent yes-or-no answers, logits and targets in [0, 1] of one shape (PyTorch's
 * `F.binary_cross_entropy_with_logits`): −t log σ(x) − (1 − t) log σ(−x), without losing digits where σ is near 0 or 1.
 */
export function binaryCrossEntropyWithLogits(x: Tensor, target: Tensor, options: BinaryCrossEntropyOptions = {}): Tensor {
  checkOptions('binaryCrossEntropyWithLogits', options, ['reduction', 'posWeight']);
  const { reduction, posWeight } = options;
  checkTensorOptions('binaryCrossEntropyWithLogits', { posWeight });
  return elementwise('binaryCrossEntropyWithLogits', { x, target, reduction }, (logits, t) => {
    const yes = mul(t, softplus(neg(logits)));
    return add(posWeight ? mul(yes, posWeight) : yes, mul(sub(1, t), softplus(logits)));
  });
}

/** Options of `klDiv`. */
export interface KlDivOptions {
  /** `batchMean`, the divergence as it is defined, divides by the size of dimension 0; `mean` by all elements. Default `mean`, as PyTorch's. */
  readonly reduction?: Reduction | 'batchMean';
  /** The target, too, is logarithms. Default false. */
  readonly logTarget?: boolean;
}

/**
 * Kullback-Leibler divergence of logarithms of probabilities `x` from probabilities `target` (PyTorch's `F.kl_div`):
 * t (log t − x), 0 where t is 0.
 */
export function klDiv(x: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  checkOptions('klDiv', options, ['reduction', 'logTarget']);
  const { reduction = 'mean', logTarget = false } = options;
  checkChoice('klDiv', 'reduction', { value: reduction, known: ['mean', 'batchMean', 'sum', 'none'] });
  checkFlags('klDiv', { logTarget });
  const perBatch = reduction === 'batchMean';
  using whole = new AllOrNothing();
  const found = elementwise('klDiv', { x, target, reduction: perBatch ? 'sum' : reduction }, (a, t) => {
    if (logTarget) return mul(exp(t), sub(t, a));
    // Not only above 0: what is below it is no probability, and NaN as in PyTorch.
    const some = notEqual(t, 0);
    return sub(where(some, mul(t, log(where(some, t, 1))), 0), mul(t, a));
  });
  return whole.done(perBatch ? div(found, x.shape[0] ?? 1) : found);
}
