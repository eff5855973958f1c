import { type OptimizerRule, planClipGradNorm, planOptimizer } from '@initlab/kernels';
import { OpError } from '../errors.js';
import { apply, applyOne, defineOp, type OpDef } from '../op.js';
import { sizeOf } from '../spec.js';
import type { Tensor } from '../tensor.js';

export type { OptimizerRule };

const update = (state: readonly string[]): OpDef<OptimizerRule> =>
  defineOp<OptimizerRule>({
    name: 'optimizerStep',
    inputs: ['param', 'grad', 'hyper', ...state],
    outputs: [],
    mutates: ['param', ...state],
    infer: () => [],
    plan: ({ inputs: [param], attrs, target }) => planOptimizer(attrs, sizeOf(param?.shape ?? []), target),
  });
const ops = { plain: update([]), momentum: update(['momentum']), adam: update(['m', 'v']) };

/**
 * One optimiser step over flat f32 vectors, in place and in one dispatch. `hyper` holds the numbers that change
 * (`hyperNames` in kernels); `state` is [] or [momentum] for SGD, [m, v] for Adam.
 */
export function optimizerUpdate(
  rule: OptimizerRule,
  { param, grad, hyper, state }: { param: Tensor; grad: Tensor; hyper: Tensor; state: readonly Tensor[] },
): void {
  const op = rule.kind !== 'sgd' ? ops.adam : rule.momentum !== 0 ? ops.momentum : ops.plain;
  apply(op, [param, grad, hyper, ...state], rule);
}

const gradSlots = Array.from({ length: 8 }, (_, i) => `grad${i}`);
const clipOp = defineOp<{ maxNorm: number }>({
  name: 'clipGradNorm',
  inputs: gradSlots.map((slot, i) => (i === 0 ? slot : `${slot}?`)),
  outputs: ['norm'],
  mutates: gradSlots,
  infer: () => [{ shape: [1], dtype: 'f32', format: 'rowMajor' }],
  plan: ({ inputs, attrs: { maxNorm }, target }) =>
    planClipGradNorm({ sizes: inputs.flatMap((x) => (x ? [sizeOf(x.shape)] : [])), maxNorm }, target),
});

/**
 * Scales gradients in place so that the norm of all of them together is at most `maxNorm`, and returns the norm [1] they
 * had (PyTorch's `clip_grad_norm_`). Takes up to eight f32 tensors: the flat gradients of the parameter groups.
 */
export function clipGradNorm(grads: readonly Tensor[], { maxNorm }: { maxNorm: number }): Tensor {
  if (grads.length < 1 || grads.length > gradSlots.length)
    throw new OpError('clipGradNorm', `takes 1 to ${gradSlots.length} tensors, got ${grads.length}`);
  for (const g of grads) if (g.dtype !== 'f32') throw new OpError('clipGradNorm', `takes f32 gradients, got ${g.dtype}; cast() them`);
  if (!(maxNorm > 0 && Number.isFinite(maxNorm))) throw new OpError('clipGradNorm', `maxNorm ${maxNorm} is not a positive number`);
  return applyOne(clipOp, grads, { maxNorm });
}
