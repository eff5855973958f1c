import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { flatPieces } from './pieces.js';
import { hyperNames, type OptimizerRule, showRule, termsOf } from './rule.js';

/** Moments of one rule at most: an op lists its operands. */
export const mostMoments = 4;

/** Slots of a rule's moments, in order. */
export const momentSlots = ({ moments }: Pick<OptimizerRule, 'moments'>): string[] => Object.keys(moments).map((_, i) => `moment${i}`);

/**
 * One optimiser step over a flat buffer. Slots: param (rw), grad, hyper (`hyperNames`), moment0, moment1, … (rw; `momentSlots`). With
 * `scaled`, `lossScale` (see `lossScaleNames`): gradients are unscaled, and where they are not finite nothing changes.
 */
export function planOptimizer(rule: OptimizerRule, { size, scaled = false }: { size: number; scaled?: boolean }, target: Target): Plan {
  const { name, constants } = rule;
  const moments = momentSlots(rule);
  const own = Object.fromEntries(Object.entries(constants).map(([constant, value]) => [constant, f32(value)]));
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
        slots: Object.fromEntries(['param', 'grad', ...moments].map((slot) => [slot, of(slot)])),
        bake: 'shared',
        scalars: { vectors: u32(vectors), ...own },
        workgroups: linearGroups(ceilDiv(vectors, 64), target),
        code: ({ kind, scaled }) => text(kind, scaled),
      });
    }),
  };
}

/** What a rule's formulas stand in; they follow from its name and its terms. */
function text(rule: OptimizerRule, scaled: boolean): string {
  const moments = Object.keys(rule.moments);
  const numbers = hyperNames(rule).map((name, i) => (name === 'gradScale' ? '' : `let ${name} = hyper[${i}];`));
  return `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.vectors) { return; }
  ${scaled ? 'if (lossScale[2] != 0.0) { return; }' : ''}
  ${numbers.filter(Boolean).join(' ')}
  var w = param[i];
  ${scaled ? '// One after the other: the product of the two small factors could vanish.' : ''}
  var g = grad[i] * ${scaled ? 'lossScale[1] * ' : ''}hyper[2];
  ${moments.map((name, k) => `var ${name} = moment${k}[i];`).join(' ')}
  ${rule.formulas.trim()}
  ${moments.map((name, k) => `moment${k}[i] = ${name};`).join(' ')}
  param[i] = w;
}`;
}
