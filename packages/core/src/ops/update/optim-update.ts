import { hyperNames, momentSlots, mostMoments, type OptimizerRule, planOptimizer } from '@initlab/kernels';
import { checkObject, showValue } from '../../checks/check-options.js';
import { OpError } from '../../checks/errors.js';
import { apply, defineOp } from '../../op/op.js';
import { numbered, type SlotList } from '../../op/slots.js';
import { sizeOf } from '../../storage/spec.js';
import { Tensor } from '../../tensor/tensor.js';

export type { OptimizerRule };

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
