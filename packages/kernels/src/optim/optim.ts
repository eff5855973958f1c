import { ceilDiv, dispatch, grid, read, readWrite, u32 } from '../kernel.js';
import type { Plan, SlotRange, Target } from '../plan.js';
import { type FlatPiece, flatPieces } from './pieces.js';
import { type OptimizerRule, showRule, termsOf } from './rule.js';
import { constantsOf, gradient, loads, perInvocation, stores } from './rule.wgsl.js';

/** Moments of one rule at most: an op lists its operands. */
export const mostMoments = 4;

/** Slots of a rule's moments, in order. */
export const momentSlots = ({ moments }: Pick<OptimizerRule, 'moments'>): string[] => Object.keys(moments).map((_, i) => `moment${i}`);

/** Where a piece of what a step reads and writes lies. */
export const flatSlots = (rule: OptimizerRule, of: FlatPiece['of']): Record<string, string | SlotRange> =>
  Object.fromEntries(['param', 'grad', ...momentSlots(rule)].map((slot) => [slot, of(slot)]));

/**
 * One optimiser step over a flat buffer. Slots: param (rw), grad, hyper (`hyperNames`), moment0, moment1, … (rw; `momentSlots`). With
 * `scaled`, `lossScale` (see `lossScaleNames`): gradients are unscaled, and where they are not finite nothing changes.
 */
export function planOptimizer(rule: OptimizerRule, { size, scaled = false }: { size: number; scaled?: boolean }, target: Target): Plan {
  const { name } = rule;
  const moments = momentSlots(rule);
  return {
    variant: ['optim', name, ...termsOf(rule), ...(scaled ? ['scaled'] : [])].join('-'),
    temporaries: [],
    dispatches: flatPieces(size, target).map(({ elements, of }) => {
      const vectors = ceilDiv(elements, 4);
      return dispatch(target, {
        family: 'optim',
        about:
          'Parameters, gradients and moments lie alike, flat. An invocation owns four neighbours. hyper: what the host writes before each step. No barriers.',
        key: { kind: rule, scaled },
        show: { kind: showRule },
        bindings: [
          readWrite('param', 'vec4<f32>'),
          read('grad', 'vec4<f32>'),
          read('hyper'),
          ...moments.map((slot) => readWrite(slot, 'vec4<f32>')),
          ...(scaled ? [read('lossScale')] : []),
        ],
        slots: flatSlots(rule, of),
        bake: 'shared',
        scalars: { invocations: u32(vectors), ...constantsOf(rule) },
        workgroups: grid(vectors, target),
        code: ({ kind, scaled }) => text(kind, scaled),
      });
    }),
  };
}

/** What a rule's formulas stand in; they follow from its name and its terms. */
const text = (rule: OptimizerRule, scaled: boolean): string =>
  perInvocation(
    rule,
    scaled,
    `
  var w = param[i];
  ${gradient('i', scaled)}
  ${loads(rule, 'i')}
  ${rule.formulas.trim()}
  ${stores(rule, 'i')}
  param[i] = w;`,
  );
