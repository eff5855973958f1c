import { lifted } from '../autocast.js';
import { planCrossEntropy } from '@initlab/kernels';
import { tensor } from '../create.js';
import { checkChoice, checkOptions } from '../check-options.js';
import { OpError, showShape } from '../errors.js';
import { apply, applyOne, defineOp, type OpDef } from '../op.js';
import { sameShape, type TensorSpec } from '../spec.js';
import type { Tensor } from '../tensor.js';
import { add, equal, mul, sub } from './binary.js';
import { cast } from './cast.js';
import { checkFloat } from './check-float.js';
import { promoted } from './promote.js';
import { reshape } from './reshape.js';
import { logSoftmax } from './softmax.js';
import { mean, sum } from './sum.js';
import { exp, square } from './unary.js';
import { AllOrNothing } from '../scope.js';

/** What becomes of the losses of a batch: their mean, their sum, or all of them. */
export type Reduction = 'mean' | 'sum' | 'none';

interface CrossEntropyAttrs {
  readonly labelSmoothing: number;
}
const problemOf = (logits: TensorSpec | undefined, { labelSmoothing }: CrossEntropyAttrs) => ({
  rows: logits?.shape[0] ?? 0,
  classes: logits?.shape[1] ?? 0,
  labelSmoothing,
  dtype: logits?.dtype === 'f16' ? ('f16' as const) : ('f32' as const),
});

const gradOp = defineOp<CrossEntropyAttrs>({
  name: 'crossEntropyGrad',
  inputs: ['g', 'logits', 'target', 'stats'],
  outputs: ['dlogits'],
  infer: ([, logits]) => (logits ? [logits] : []),
  plan: ({ inputs: [, logits], attrs, target }) => planCrossEntropy(problemOf(logits, attrs), 'backward', target),
});
const crossEntropyOp: OpDef<CrossEntropyAttrs> = defineOp<CrossEntropyAttrs>({
  name: 'crossEntropy',
  inputs: ['logits', 'target'],
  outputs: ['loss', 'stats'],
  infer: ([logits]) => [
    { shape: [logits?.shape[0] ?? 0], dtype: 'f32', format: 'rowMajor' },
    { shape: [logits?.shape[0] ?? 0, 2], dtype: 'f32', format: 'rowMajor' },
  ],
  plan: ({ inputs: [logits], attrs, target }) => planCrossEntropy(problemOf(logits, attrs), 'forward', target),
  backward: ({ grads: [g], inputs: [logits, target], outputs: [, stats], attrs }) => [
    g && applyOne(gradOp, [g, logits, target, stats], attrs),
  ],
  backwardComposed: ({ grads: [g], inputs: [logits, target], attrs: { labelSmoothing } }) => {
    if (!g || !logits || !target) return [];
    const [rows, classes] = logits.shape as [number, number];
    const numbers = tensor(
      Float32Array.from({ length: classes }, (_, i) => i),
      { shape: [1, classes], device: logits.device },
    );
    const oneHot = equal(reshape(cast(target, 'f32'), [rows, 1]), numbers);
    const wanted = add(mul(oneHot, 1 - labelSmoothing), labelSmoothing / classes);
    return [mul(reshape(g, [rows, 1]), sub(exp(logSoftmax(logits, { dim: 1 })), wanted))];
  },
});

function reduce(op: string, losses: Tensor, reduction: Reduction): Tensor {
  checkChoice(op, 'reduction', { value: reduction, known: ['mean', 'sum', 'none'] });
  return reduction === 'mean' ? mean(losses) : reduction === 'sum' ? sum(losses) : losses;
}

/**
 * Cross entropy of logits `input` [N, C] (f32 or f16) with class indices `target` [N] (i32), PyTorch's `F.cross_entropy`; a
 * scalar for `reduction` mean (the default) and sum, [N] for none. A target outside 0 … C − 1 makes its loss, and so the mean,
 * NaN: a kernel cannot throw. There is no `ignore_index`, so −100 is outside too.
 */
export function crossEntropy(input: Tensor, target: Tensor, options: { labelSmoothing?: number; reduction?: Reduction } = {}): Tensor {
  checkOptions('crossEntropy', options, ['labelSmoothing', 'reduction']);
  const { labelSmoothing = 0, reduction = 'mean' } = options;
  using whole = new AllOrNothing();
  const logits = lifted(input);
  checkFloat('crossEntropy', logits, 'logits');
  if (logits.ndim !== 2 || !sameShape(target.shape, [logits.shape[0] ?? -1]))
    throw new OpError('crossEntropy', `takes logits [N, C] and target [N], got ${showShape(logits.shape)} and ${showShape(target.shape)}`);
  if (target.dtype !== 'i32')
    throw new OpError('crossEntropy', `target holds class indices (i32), got ${target.dtype}; cast() it, e.g. .to('i32')`);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1))
    throw new OpError('crossEntropy', `labelSmoothing ${labelSmoothing} is not between 0 and 1`);
  if (logits.shape[1] === 0 && logits.shape[0] !== 0)
    throw new OpError('crossEntropy', `logits ${showShape(logits.shape)} have no classes, so every target is out of bounds`);
  return whole.done(reduce('crossEntropy', apply(crossEntropyOp, [logits, target], { labelSmoothing })[0] as Tensor, reduction));
}

/** Squared error of equal shapes, by default its mean (PyTorch's `F.mse_loss`). */
export function mseLoss(x: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  checkOptions('mseLoss', options, ['reduction']);
  checkFloat('mseLoss', x);
  if (!sameShape(x.shape, target.shape)) throw new OpError('mseLoss', `shapes ${showShape(x.shape)} and ${showShape(target.shape)} differ`);
  // The squares of halves are summed in f32.
  using whole = new AllOrNothing();
  const dtype = promoted('mseLoss', [lifted(x), lifted(target)]);
  const losses = square(sub(cast(x, 'f32'), cast(target, 'f32')));
  return whole.done(cast(reduce('mseLoss', losses, options.reduction ?? 'mean'), dtype));
}
