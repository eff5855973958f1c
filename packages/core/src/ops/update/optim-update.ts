import {
  hyperNames,
  type LayerwiseRule,
  momentSlots,
  mostMoments,
  type OptimizerRule,
  type Plan,
  planLayerwise,
  planOptimizer,
  type Target,
} from '@initlab/kernels';
import { checkObject } from '../../checks/check-arguments.js';
import { OpError, showValue } from '../../checks/errors.js';
import { apply, defineOp, type Op } from '../../op/op.js';
import { type Named, numbered, type SlotList } from '../../op/slots.js';
import { sizeOf } from '../../storage/spec.js';
import { Tensor } from '../../tensor/tensor.js';

export type { LayerwiseRule, OptimizerRule };

/** Their names are made as they are counted, so the compiler does not know them: moment0, moment1, … */
const moments = Array.from({ length: mostMoments }, (_, i) => `moment${i}`);

type StepPlan<A> = (attrs: A, step: { readonly size: number; readonly scaled: boolean }, target: Target) => Plan;

/** One step over flat vectors. `more`: what it reads beside the numbers that change. */
const defineStep = <A>(more: SlotList, plan: StepPlan<A>): Op<A, SlotList, []> =>
  defineOp<A>()<SlotList, []>({
    name: 'optimizerStep',
    inputs: ['param', 'grad', 'hyper', ...more, ...moments.map((slot) => `${slot}?`), 'lossScale?'],
    outputs: [],
    mutates: ['param', ...moments],
    infer: () => ({}),
    plan: ({ inputs: { param, lossScale }, attrs, target }) =>
      plan(attrs, { size: param ? sizeOf(param.shape) : 0, scaled: lossScale !== undefined }, target),
  });

const updateOp = defineStep<OptimizerRule>([], planOptimizer);

interface LayerwiseAttrs {
  readonly rule: LayerwiseRule;
  /** Parameters of the flat buffer, and where they begin in `layers`. */
  readonly first: number;
  readonly count: number;
}
const layerwiseOp = defineStep<LayerwiseAttrs>(['layers'], ({ rule, first, count }, step, target) =>
  planLayerwise(rule, { ...step, first, count }, target),
);

interface Parts {
  readonly param: Tensor;
  readonly grad: Tensor;
  readonly hyper: Tensor;
  readonly moments: readonly Tensor[];
  readonly lossScale?: Tensor | undefined;
}

/** Operands of such a step by slot; throws where the rule or they are none. `names` shows them. */
function operandsOf(op: string, rule: unknown, { parts, names }: { parts: Parts; names: string }): Named<Tensor> {
  checkObject(op, 'the rule of an optimiser', rule);
  checkObject(op, `its operands { ${names} }`, parts);
  const { moments: given, lossScale, ...operands } = parts;
  if (!Array.isArray(given)) throw new OpError(op, `moments are ${showValue(given)}; give a list of them`);
  return { ...operands, ...numbered('moment', given), ...(lossScale === undefined ? {} : { lossScale }) };
}

/**
 * One optimiser step over flat f32 vectors, in place and in one dispatch. `hyper` holds the numbers that change (`hyperNumbers`);
 * `moments` are the rule's, in order. With `lossScale` (see `lossScaleUpdate`) gradients are unscaled first, and a step whose
 * gradients are not finite changes nothing.
 */
export function optimizerUpdate(rule: OptimizerRule, parts: Parts): void {
  const operands = operandsOf('optimizerUpdate', rule, { parts, names: 'param, grad, hyper, moments' });
  const { hyper, moments: given } = parts;
  const slots = momentSlots(rule);
  if (slots.length > mostMoments)
    throw new OpError('optimizerUpdate', `the rule ${rule.name} has ${slots.length} moments, which is more than ${mostMoments}`);
  if (given.length !== slots.length)
    throw new OpError('optimizerUpdate', `the rule ${rule.name} has ${slots.length} moments, got ${given.length}`);
  const numbers = hyperNames(rule).length;
  if (hyper instanceof Tensor && hyper.size !== numbers)
    throw new OpError('optimizerUpdate', `hyper holds ${numbers} numbers for the rule ${rule.name}, got ${hyper.size}`);
  apply(updateOp, operands, rule);
}

/**
 * One step of a rule with a trust ratio for each parameter, over stretches of flat f32 vectors, in place. `layers` [parameters + 1, 2],
 * i32, says of each parameter of the whole vector in which block of 64 elements it begins and whether it has a ratio; the stretch is of
 * `count` of them from `first` on. Otherwise as `optimizerUpdate`.
 */
export function layerwiseUpdate(
  rule: LayerwiseRule,
  parts: Parts & { readonly layers: Tensor },
  stretch: { first: number; count: number },
): void {
  const operands = operandsOf('layerwiseUpdate', rule, { parts, names: 'param, grad, hyper, layers, moments' });
  checkObject('layerwiseUpdate', 'a stretch of parameters { first, count }', stretch);
  const { first, count } = stretch;
  apply(layerwiseOp, operands, { rule, first, count });
}
