import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { apply } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sameShape } from '../../storage/spec.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkF32, checkFloat } from '../arguments/operands.js';
import { cast, lifted } from '../pointwise/cast.js';
import { mean, sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';
import { asRows, checkClassOptions, classesOf, type Reduction, withoutClasses } from './class-rows.js';
import { type CrossEntropyAttrs, crossEntropyOp, lossMeanOp } from './cross-entropy-ops.js';

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions {
  /** f32 [C]: each class counts this much; default 1 each. A constant: it gets no gradient. */
  readonly weight?: Tensor | undefined;
  /** Rows with this class have neither loss nor gradient, and do not count in the mean. Default −100; for class indices only. */
  readonly ignoreIndex?: number | undefined;
  /** Share of the target that goes to all classes alike. Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Default `mean`. */
  readonly reduction?: Reduction | undefined;
}

const names = ['weight', 'ignoreIndex', 'labelSmoothing', 'reduction'] as const;

/**
 * Cross entropy of logits `input` [N, C] (f32 or f16), PyTorch's `F.cross_entropy`; also [N, C, d₁, …] and [C]. `target` holds class
 * indices (i32, the input's shape without C) or class probabilities (f32 or f16, the input's shape), as mixing of images makes them.
 * Losses are f32: a scalar for `reduction` mean (the default) and sum, one a row for none. The mean of classes is weighted, Σ loss /
 * Σ weight of the rows that are not ignored, and NaN (±∞ where weights cancel and losses do not), as its gradient in these rows, where
 * that is 0; that of probabilities divides by their number.
 *
 * A class outside 0 … C − 1 that is not ignored makes its loss, and so the mean, NaN: a kernel cannot throw. A probability of 0 costs
 * nothing, also beside a logit of −∞. Throws `OpError` for shapes and types that do not fit, and an `ignoreIndex` from 0 on beside
 * probabilities.
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions('crossEntropy', options, names);
  const { weight, reduction = 'mean' } = options;
  checkTensors('crossEntropy', { input, target });
  using whole = new AllOrNothing();
  const logits = lifted(input);
  checkFloat('crossEntropy', logits, 'logits');
  const attrs = checked(logits, target, options);
  const { shape } = logits;
  const classes = classesOf(shape);
  const labels = attrs.target === 'class' ? reshape(target, [target.size]) : asRows(cast(target, 'f32'));
  const { loss: losses } = apply(crossEntropyOp, { logits: asRows(logits), target: labels, weight }, attrs);
  const made =
    reduction === 'none'
      ? reshape(losses, withoutClasses(shape))
      : reduction === 'sum'
        ? sum(losses)
        : attrs.target === 'class'
          ? apply(
              lossMeanOp,
              { loss: losses, target: labels, weight },
              { classes, ignoreIndex: attrs.ignoreIndex, smoothed: attrs.labelSmoothing > 0 },
            ).mean
          : mean(losses);
  return whole.done(made);
}

function checked({ shape }: Tensor, target: Tensor, options: CrossEntropyOptions): CrossEntropyAttrs {
  const { weight, ignoreIndex = -100, labelSmoothing = 0, reduction = 'mean' } = options;
  const fail = (problem: string): never => {
    throw new OpError('crossEntropy', problem);
  };
  const rows = withoutClasses(shape);
  const probabilities = target.dtype === 'f32' || target.dtype === 'f16';
  if (shape.length === 0 || !sameShape(target.shape, probabilities ? shape : rows)) {
    if (probabilities && shape.length > 0 && sameShape(target.shape, rows))
      fail(`target holds class indices (i32), got ${target.dtype}; cast() it, e.g. .to('i32')`);
    fail(
      `takes logits [N, C] and target [N] (classes, i32) or [N, C] (probabilities), got ${showShape(shape)} and ${showShape(target.shape)} (${target.dtype})`,
    );
  }
  if (target.dtype === 'u32') fail(`target holds class indices (i32), got u32; cast() it, e.g. .to('i32')`);
  checkNumber('crossEntropy', { labelSmoothing }, { from: 0, to: 1 });
  checkClassOptions('crossEntropy', { weight, ignoreIndex, reduction }, classesOf(shape));
  checkF32('crossEntropy', weight, 'weight');
  if (probabilities && ignoreIndex >= 0)
    fail(`ignoreIndex ${ignoreIndex} is for class indices; a row of probabilities is ignored by zeros`);
  if (classesOf(shape) === 0 && rows.every((d) => d !== 0))
    fail(`logits ${showShape(shape)} have no classes, so every target is out of bounds`);
  return { labelSmoothing, ignoreIndex, target: probabilities ? 'probabilities' : 'class' };
}
