import { type LayerwiseRule, mostMoments, planLayerwise } from '@initlab/kernels';
import { checkObject, showValue } from '../../checks/check-options.js';
import { OpError } from '../../checks/errors.js';
import { apply, defineOp } from '../../op/op.js';
import { numbered, type SlotList } from '../../op/slots.js';
import { sizeOf } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';

export type { LayerwiseRule };

interface Attrs {
  readonly rule: LayerwiseRule;
  /** Parameters of the flat buffer, and where they begin in `layers`. */
  readonly first: number;
  readonly count: number;
}

const moments = Array.from({ length: mostMoments }, (_, i) => `moment${i}`);
/** Slots are counted as `optimizerUpdate`'s. */
const layerwiseOp = defineOp<Attrs>()<SlotList, []>({
  name: 'optimizerStep',
  inputs: ['param', 'grad', 'hyper', 'layers', ...moments.map((slot) => `${slot}?`), 'lossScale?'],
  outputs: [],
  mutates: ['param', ...moments],
  infer: () => ({}),
  plan: ({ inputs: { param, lossScale }, attrs: { rule, first, count }, target }) =>
    planLayerwise(rule, { size: param ? sizeOf(param.shape) : 0, first, count, scaled: lossScale !== undefined }, target),
});

/**
 * One step of a rule with a trust ratio for each parameter, over stretches of flat f32 vectors, in place. `layers` [parameters + 1, 2],
 * i32, says of each parameter of the whole vector in which block of 64 elements it begins and whether it has a ratio; the stretch is of
 * `count` of them from `first` on. Otherwise as `optimizerUpdate`.
 */
export function layerwiseUpdate(
  rule: LayerwiseRule,
  parts: { param: Tensor; grad: Tensor; hyper: Tensor; layers: Tensor; moments: readonly Tensor[]; lossScale?: Tensor | undefined },
  stretch: { first: number; count: number },
): void {
  checkObject('layerwiseUpdate', 'the rule of an optimiser', rule);
  checkObject('layerwiseUpdate', 'its operands { param, grad, hyper, layers, moments }', parts);
  checkObject('layerwiseUpdate', 'a stretch of parameters { first, count }', stretch);
  const { first, count } = stretch;
  const { moments: given, lossScale, ...operands } = parts;
  if (!Array.isArray(given)) throw new OpError('layerwiseUpdate', `moments are ${showValue(given)}; give a list of them`);
  const inputs = { ...operands, ...numbered('moment', given), ...(lossScale === undefined ? {} : { lossScale }) };
  apply(layerwiseOp, inputs, { rule, first, count });
}
