import { ceilDiv, dispatch, grid, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, SlotRange, Target } from '../plan.js';
import { type FlatPiece, flatPieces } from './pieces.js';
import { isLayerwise, type OptimizerRule, showRule, termsOf } from './rule.js';
import { blockElements, blockScalars, constantsOf, gradient, loads, perInvocation, stores } from './rule.wgsl.js';

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
  return {
    variant: ['optim', rule.name, ...termsOf(rule), ...(scaled ? ['scaled'] : [])].join('-'),
    temporaries: [],
    dispatches: flatPieces(size, target).map((piece) => updatePiece(rule, piece, { scaled, target })),
  };
}

/** The step itself of one piece; of a layerwise rule by the ratio of each block, from the slot `ratios`. */
export function updatePiece(rule: OptimizerRule, piece: FlatPiece, { scaled, target }: { scaled: boolean; target: Target }): Dispatch {
  const layerwise = isLayerwise(rule);
  const vectors = ceilDiv(piece.elements, 4);
  return dispatch(target, {
    family: layerwise ? 'optim-layerwise' : 'optim',
    about: layerwise
      ? `The step itself, by the ratio of each parameter. Parameters, gradients and moments lie alike, flat. An invocation owns four neighbours. No
barriers.`
      : 'Parameters, gradients and moments lie alike, flat. An invocation owns four neighbours. hyper: what the host writes before each step. No barriers.',
    key: { kind: rule, scaled },
    show: { kind: showRule },
    bindings: [
      readWrite('param', 'vec4<f32>'),
      read('grad', 'vec4<f32>'),
      read('hyper'),
      ...momentSlots(rule).map((slot) => (movesMoments(rule) ? readWrite : read)(slot, 'vec4<f32>')),
      ...(layerwise ? [read('ratios')] : []),
      ...(scaled ? [read('lossScale')] : []),
    ],
    slots: flatSlots(rule, piece.of),
    bake: 'shared',
    scalars: layerwise ? blockScalars(rule, piece, vectors) : { invocations: u32(vectors), ...constantsOf(rule) },
    workgroups: grid(vectors, target),
    code: ({ kind, scaled }) =>
      perInvocation(
        kind,
        scaled,
        `
  ${isLayerwise(kind) ? `let trust = ratios[p.block + i / ${blockElements / 4}u];` : ''}
  var w = param[i];
  ${gradient('i', scaled)}
  ${loads(kind, 'i')}
  ${kind.formulas.trim()}
  ${movesMoments(kind) ? stores(kind, 'i') : ''}
  param[i] = w;`,
      ),
  });
}

/** Whether the step itself changes the moments. */
const movesMoments = (rule: OptimizerRule): boolean => !(isLayerwise(rule) && rule.directionMoves);
