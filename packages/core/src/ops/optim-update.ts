import { type OptimizerRule, planClipGradNorm, planLossScale, planOptimizer } from '@initlab/kernels';
import { OpError } from '../errors.js';
import { apply, applyOne, defineOp, type OpDef } from '../op.js';
import { sizeOf, type TensorSpec } from '../spec.js';
import type { Tensor } from '../tensor.js';

export type { OptimizerRule };

const update = (state: readonly string[]): OpDef<OptimizerRule> =>
  defineOp<OptimizerRule>({
    name: 'optimizerStep',
    inputs: ['param', 'grad', 'hyper', ...state, 'lossScale?'],
    outputs: [],
    mutates: ['param', ...state],
    infer: () => [],
    plan: ({ inputs, attrs, target }) =>
      planOptimizer(attrs, { size: sizeOf(inputs[0]?.shape ?? []), scaled: inputs[3 + state.length] !== undefined }, target),
  });
const ops = { plain: update([]), momentum: update(['momentum']), adam: update(['m', 'v']) };

/**
 * One optimiser step over flat f32 vectors, in place and in one dispatch. `hyper` holds the numbers that change
 * (`hyperNames` in kernels); `state` is [] or [momentum] for SGD, [m, v] for Adam. With `lossScale` (see `lossScaleUpdate`)
 * gradients are unscaled first, and a step whose gradients are not finite changes nothing.
 */
export function optimizerUpdate(
  rule: OptimizerRule,
  parts: { param: Tensor; grad: Tensor; hyper: Tensor; state: readonly Tensor[]; lossScale?: Tensor | undefined },
): void {
  const op = rule.kind !== 'sgd' ? ops.adam : rule.momentum !== 0 ? ops.momentum : ops.plain;
  const { param, grad, hyper, state, lossScale } = parts;
  apply(op, [param, grad, hyper, ...state, lossScale], rule);
}

const gradSlots = Array.from({ length: 8 }, (_, i) => `grad${i}`);
const gradInputs = gradSlots.map((slot, i) => (i === 0 ? slot : `${slot}?`));
const sizesOf = (inputs: readonly (TensorSpec | undefined)[]): number[] =>
  inputs.slice(0, gradSlots.length).flatMap((x) => (x ? [sizeOf(x.shape)] : []));

const clipOp = defineOp<{ maxNorm: number }>({
  name: 'clipGradNorm',
  inputs: [...gradInputs, 'lossScale?'],
  outputs: ['norm'],
  mutates: gradSlots,
  infer: () => [{ shape: [1], dtype: 'f32', format: 'rowMajor' }],
  plan: ({ inputs, attrs: { maxNorm }, target }) =>
    planClipGradNorm({ sizes: sizesOf(inputs), maxNorm, scaled: inputs[gradSlots.length] !== undefined }, target),
});

/**
 * Scales gradients in place so that the norm of all of them together is at most `maxNorm`, and returns the norm [1] they
 * had (PyTorch's `clip_grad_norm_`). Takes up to eight f32 tensors: the flat gradients of the parameter groups. With
 * `lossScale` both norms are those of the unscaled gradients; what is scaled stays so.
 */
export function clipGradNorm(
  grads: readonly Tensor[],
  { maxNorm, lossScale }: { maxNorm: number; lossScale?: Tensor | undefined },
): Tensor {
  checkGradients('clipGradNorm', grads);
  if (!(maxNorm > 0 && Number.isFinite(maxNorm))) throw new OpError('clipGradNorm', `maxNorm ${maxNorm} is not a positive number`);
  return applyOne(clipOp, withScale(grads, lossScale), { maxNorm });
}

/** Absent gradients up to the slot of the scaler's state. */
const withScale = (grads: readonly Tensor[], lossScale: Tensor | undefined): (Tensor | undefined)[] => [
  ...gradSlots.map((_, i) => grads[i]),
  lossScale,
];

function checkGradients(op: string, grads: readonly Tensor[]): void {
  if (grads.length < 1 || grads.length > gradSlots.length)
    throw new OpError(op, `takes 1 to ${gradSlots.length} tensors, got ${grads.length}`);
  for (const g of grads) if (g.dtype !== 'f32') throw new OpError(op, `takes f32 gradients, got ${g.dtype}; cast() them`);
}

const scaleOp = defineOp<{ growthInterval: number }>({
  name: 'lossScaleUpdate',
  inputs: [...gradInputs, 'state'],
  outputs: [],
  mutates: ['state'],
  infer: () => [],
  plan: ({ inputs, attrs: { growthInterval }, target }) => planLossScale({ sizes: sizesOf(inputs), growthInterval }, target),
});

/**
 * Looks for NaN and infinities in the gradients (up to eight f32 tensors) and moves a loss scaler's `state` of four: scale of
 * the next loss, factor that unscales these gradients, 1 when they are not finite, good steps in a row. All on the device.
 */
export function lossScaleUpdate(grads: readonly Tensor[], { state, growthInterval }: { state: Tensor; growthInterval: number }): void {
  checkGradients('lossScaleUpdate', grads);
  apply(scaleOp, withScale(grads, state), { growthInterval });
}
