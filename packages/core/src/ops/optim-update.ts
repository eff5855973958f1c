import { type LossScaleRule, type OptimizerRule, planClipGradNorm, planLossScale, planOptimizer } from '@initlab/kernels';
import { checkTensor } from '../checks/check-tensor.js';
import { checkObject, checkOptions, showValue } from '../checks/check-options.js';
import { OpError } from '../checks/errors.js';
import { apply, applyOne, defineOp, type OpDef } from '../op/op.js';
import { sizeOf, type TensorSpec } from '../tensor/spec.js';
import type { Tensor } from '../tensor/tensor.js';

export { largestLossScale } from '@initlab/kernels';
export type { LossScaleRule, OptimizerRule };

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
  checkObject('optimizerUpdate', 'the rule of an optimiser', rule);
  checkObject('optimizerUpdate', 'its operands { param, grad, hyper, state }', parts);
  if (!Array.isArray(parts.state)) throw new OpError('optimizerUpdate', `state is ${showValue(parts.state)}; give a list of moments`);
  const op = rule.kind !== 'sgd' ? ops.adam : rule.momentum !== 0 ? ops.momentum : ops.plain;
  const { param, grad, hyper, state, lossScale } = parts;
  apply(op, [param, grad, hyper, ...state, lossScale], rule);
}

/** What looks at all gradients together, for up to so many tensors: an op lists its operands. */
interface JointOps {
  readonly slots: readonly string[];
  readonly clip: OpDef<{ maxNorm: number }>;
  readonly measure: OpDef<null>;
  readonly scale: OpDef<LossScaleRule>;
}
const jointOps = new Map<number, JointOps>();
const normSpec: TensorSpec = { shape: [1], dtype: 'f32', format: 'rowMajor' };

/** The ops for `count` gradients, made for a multiple of eight. */
function jointOpsFor(count: number): JointOps {
  const room = Math.ceil(count / 8) * 8;
  const known = jointOps.get(room);
  if (known) return known;
  const slots = Array.from({ length: room }, (_, i) => `grad${i}`);
  const inputs = slots.map((slot, i) => (i === 0 ? slot : `${slot}?`));
  const sizesOf = (specs: readonly (TensorSpec | undefined)[]): number[] =>
    specs.slice(0, room).flatMap((x) => (x ? [sizeOf(x.shape)] : []));
  const norm = { inputs: [...inputs, 'lossScale?'], outputs: ['norm'], infer: () => [normSpec] };
  // Some gradients may have no elements: their kernels have nothing to do, and the others' plans stay as they are.
  const also = <A>(plan: OpDef<A>['plan']) => ({ plan, planEmpty: plan });
  const made: JointOps = {
    slots,
    clip: defineOp<{ maxNorm: number }>({
      ...norm,
      name: 'clipGradNorm',
      mutates: slots,
      ...also<{ maxNorm: number }>(({ inputs: specs, attrs: { maxNorm }, target }) =>
        planClipGradNorm({ sizes: sizesOf(specs), maxNorm, scaled: specs[room] !== undefined }, target),
      ),
    }),
    measure: defineOp<null>({
      ...norm,
      name: 'gradNorm',
      ...also<null>(({ inputs: specs, target }) => planClipGradNorm({ sizes: sizesOf(specs), scaled: specs[room] !== undefined }, target)),
    }),
    scale: defineOp<LossScaleRule>({
      name: 'lossScaleUpdate',
      inputs: [...inputs, 'state'],
      outputs: [],
      mutates: ['state'],
      infer: () => [],
      ...also<LossScaleRule>(({ inputs: specs, attrs, target }) => planLossScale({ sizes: sizesOf(specs), ...attrs }, target)),
    }),
  };
  jointOps.set(room, made);
  return made;
}

/** Absent gradients up to the slot of the scaler's state. */
const withScale = ({ slots }: JointOps, grads: readonly Tensor[], lossScale: Tensor | undefined): (Tensor | undefined)[] => [
  ...slots.map((_, i) => grads[i]),
  lossScale,
];

function checkGradients(op: string, grads: readonly Tensor[]): void {
  if (!Array.isArray(grads) || grads.length === 0)
    throw new OpError(op, `takes a list of gradients, got ${Array.isArray(grads) ? 'none' : showValue(grads)}`);
  for (const g of grads) checkTensor(op, g, 'a gradient');
  for (const g of grads) if (g.dtype !== 'f32') throw new OpError(op, `takes f32 gradients, got ${g.dtype}; cast() them`);
}

/**
 * Scales gradients in place so that the norm of all of them together is at most `maxNorm`, and returns the norm [1] they
 * had (PyTorch's `clip_grad_norm_`); with `maxNorm` Infinity they are measured and stay as they are. Takes f32 tensors: the flat
 * gradients of the parameter groups. With `lossScale` both norms are those of the unscaled gradients; what is scaled stays so.
 */
export function clipGradNorm(grads: readonly Tensor[], options: { maxNorm: number; lossScale?: Tensor | undefined }): Tensor {
  checkOptions('clipGradNorm', options, ['maxNorm', 'lossScale']);
  const { maxNorm, lossScale } = options;
  checkGradients('clipGradNorm', grads);
  if (typeof maxNorm !== 'number' || !(maxNorm > 0))
    throw new OpError('clipGradNorm', `maxNorm is ${showValue(maxNorm)}; give a positive number, or Infinity to measure only`);
  const ops = jointOpsFor(grads.length);
  const operands = withScale(ops, grads, lossScale);
  return maxNorm === Number.POSITIVE_INFINITY ? applyOne(ops.measure, operands, null) : applyOne(ops.clip, operands, { maxNorm });
}

/**
 * Looks for NaN and infinities in the gradients (f32 tensors) and moves a loss scaler's `state` of four: scale of the next
 * loss, factor that unscales these gradients, 1 when they are not finite, good steps in a row. All on the device.
 */
export function lossScaleUpdate(grads: readonly Tensor[], options: LossScaleRule & { state: Tensor }): void {
  checkObject('lossScaleUpdate', 'options { state, growth, … }', options);
  const { state, ...rule } = options;
  checkGradients('lossScaleUpdate', grads);
  const ops = jointOpsFor(grads.length);
  apply(ops.scale, withScale(ops, grads, state), rule);
}
