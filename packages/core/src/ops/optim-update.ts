import {
  hyperNames,
  type LossScaleRule,
  momentSlots,
  mostMoments,
  type OptimizerRule,
  type Plan,
  planClipGradNorm,
  planLossScale,
  planOptimizer,
  type Target,
} from '@initlab/kernels';
import { checkTensor } from '../tensor/check-tensor.js';
import { checkObject, checkOptions, showValue } from '../checks/check-options.js';
import { OpError } from '../checks/errors.js';
import { apply, applyOne, defineOp, type Op } from '../op/op.js';
import { type Named, numbered, numberedSlots, type SlotList } from '../op/slots.js';
import { sizeOf, type TensorSpec } from '../storage/spec.js';
import { Tensor } from '../tensor/tensor.js';

export { largestLossScale } from '@initlab/kernels';
export type { LossScaleRule, OptimizerRule };

const moments = Array.from({ length: mostMoments }, (_, i) => `moment${i}`);
/** Their names are made as they are counted, so the compiler does not know them: moment0, moment1, … */
const updateOp = defineOp<OptimizerRule>()<SlotList, []>({
  name: 'optimizerStep',
  inputs: ['param', 'grad', 'hyper', ...moments.map((slot) => `${slot}?`), 'lossScale?'],
  outputs: [],
  mutates: ['param', ...moments],
  infer: () => ({}),
  plan: ({ inputs: { param, lossScale }, attrs, target }) =>
    planOptimizer(attrs, { size: param ? sizeOf(param.shape) : 0, scaled: lossScale !== undefined }, target),
});

/**
 * One optimiser step over flat f32 vectors, in place and in one dispatch. `hyper` holds the numbers that change (`hyperNumbers`);
 * `moments` are the rule's, in order. With `lossScale` (see `lossScaleUpdate`) gradients are unscaled first, and a step whose
 * gradients are not finite changes nothing.
 */
export function optimizerUpdate(
  rule: OptimizerRule,
  parts: { param: Tensor; grad: Tensor; hyper: Tensor; moments: readonly Tensor[]; lossScale?: Tensor | undefined },
): void {
  checkObject('optimizerUpdate', 'the rule of an optimiser', rule);
  checkObject('optimizerUpdate', 'its operands { param, grad, hyper, moments }', parts);
  const { moments: given, lossScale, ...operands } = parts;
  if (!Array.isArray(given)) throw new OpError('optimizerUpdate', `moments are ${showValue(given)}; give a list of them`);
  const slots = momentSlots(rule);
  if (slots.length > mostMoments)
    throw new OpError('optimizerUpdate', `the rule ${rule.name} has ${slots.length} moments, which is more than ${mostMoments}`);
  if (given.length !== slots.length)
    throw new OpError('optimizerUpdate', `the rule ${rule.name} has ${slots.length} moments, got ${given.length}`);
  const { hyper } = operands;
  const numbers = hyperNames(rule).length;
  if (hyper instanceof Tensor && hyper.size !== numbers)
    throw new OpError('optimizerUpdate', `hyper holds ${numbers} numbers for the rule ${rule.name}, got ${hyper.size}`);
  apply(updateOp, { ...operands, ...numbered('moment', given), ...(lossScale === undefined ? {} : { lossScale }) }, rule);
}

/** What looks at all gradients together, for up to so many tensors: an op lists its operands. */
interface JointOps {
  readonly clip: Op<{ maxNorm: number }, SlotList, ['norm']>;
  readonly measure: Op<null, SlotList, ['norm']>;
  readonly scale: Op<LossScaleRule, SlotList, []>;
}
interface Asked<A> {
  readonly inputs: Named<TensorSpec>;
  readonly attrs: A;
  readonly target: Target;
}
const jointOps = new Map<number, JointOps>();
const normSpec: TensorSpec = { shape: [1], dtype: 'f32', format: 'rowMajor' };

/** The ops for `count` gradients, made for a multiple of eight. */
function jointOpsFor(count: number): JointOps {
  const room = Math.ceil(count / 8) * 8;
  const known = jointOps.get(room);
  if (known) return known;
  // Their names are made as they are counted, so the compiler does not know them: grad0, grad1, …
  const gradients: SlotList = numberedSlots('grad', room);
  const names = gradients.map((_, i) => `grad${i}`);
  const sizesOf = (specs: Named<TensorSpec>): number[] =>
    names.flatMap((name) => {
      const spec = specs[name];
      return spec ? [sizeOf(spec.shape)] : [];
    });
  const norm = { inputs: [...gradients, 'lossScale?'], outputs: ['norm'] as const, infer: () => ({ norm: normSpec }) };
  // Some gradients may have no elements: their kernels have nothing to do, and the others' plans stay as they are.
  const also = <A>(plan: (context: Asked<A>) => Plan) => ({ plan, planEmpty: plan });
  const made: JointOps = {
    clip: defineOp<{ maxNorm: number }>()<SlotList, ['norm']>({
      ...norm,
      name: 'clipGradNorm',
      mutates: names,
      ...also<{ maxNorm: number }>(({ inputs, attrs: { maxNorm }, target }) =>
        planClipGradNorm({ sizes: sizesOf(inputs), maxNorm, scaled: inputs.lossScale !== undefined }, target),
      ),
    }),
    measure: defineOp<null>()<SlotList, ['norm']>({
      ...norm,
      name: 'gradNorm',
      ...also<null>(({ inputs, target }) => planClipGradNorm({ sizes: sizesOf(inputs), scaled: inputs.lossScale !== undefined }, target)),
    }),
    scale: defineOp<LossScaleRule>()<SlotList, []>({
      name: 'lossScaleUpdate',
      inputs: [...gradients, 'state'],
      outputs: [],
      mutates: ['state'],
      infer: () => ({}),
      ...also<LossScaleRule>(({ inputs, attrs, target }) => planLossScale({ sizes: sizesOf(inputs), ...attrs }, target)),
    }),
  };
  jointOps.set(room, made);
  return made;
}

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
  const operands = { ...numbered('grad', grads), ...(lossScale === undefined ? {} : { lossScale }) };
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
  apply(ops.scale, { ...numbered('grad', grads), state }, rule);
}
