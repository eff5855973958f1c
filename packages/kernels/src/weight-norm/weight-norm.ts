import { dispatch, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { rowTeam } from '../reduce/row-team.js';

/** A row of zeros has no direction: what is divided by its norm is 0 there, the gradients too. */
const unlessZero = (quotient: string): string => `select(${quotient}, 0.0, size == 0.0)`;

/** Weights [rows, length], row-major: a row is what one output channel multiplies. */
export interface WeightNormProblem {
  readonly rows: number;
  readonly length: number;
}

/**
 * w = g · v / ‖v‖, the norm over each row (arXiv:1602.07868). Slots, all f32: v, g → w, norm; the gradient:
 * dw, v, g, norm → dv, dg with dg = Σ dw·v / ‖v‖ and dv = g/‖v‖ · (dw − v · dg/‖v‖). Rows of zeros give zeros.
 */
export function planWeightNorm(problem: WeightNormProblem, direction: 'forward' | 'backward', target: Target): Plan {
  const { rows, length } = problem;
  const forward = direction === 'forward';
  const team = rowTeam(problem, target);
  const name = `weight-norm-${direction}${team.name}`;
  const each = (body: string): string => team.each(`let at = base + k; ${body}`);
  const plan = dispatch(target, {
    name,
    bindings: forward
      ? [read('v'), read('g'), readWrite('w'), readWrite('norm')]
      : [read('dw'), read('v'), read('g'), read('norm'), readWrite('dv'), readWrite('dg')],
    scalars: { rows: u32(rows), length: u32(length) },
    workgroups: team.workgroups,
    code: () => `
${team.functions(['sum'])}
${team.entry}
  let base = row * p.length;
  var sum = 0.0;
  ${
    forward
      ? `${each('sum = fma(v[at], v[at], sum);')}
  sum = sumAll(lane, sum);
  let size = sqrt(sum);
  if (lane == 0u) { norm[row] = size; }
  let scale = ${unlessZero('g[row] / size')};
  ${each('w[at] = v[at] * scale;')}`
      : `${each('sum = fma(dw[at], v[at], sum);')}
  sum = sumAll(lane, sum);
  let size = norm[row];
  let along = ${unlessZero('sum / size')};
  if (lane == 0u) { dg[row] = along; }
  let scale = ${unlessZero('g[row] / size')};
  let share = ${unlessZero('along / size')};
  ${each('dv[at] = scale * (dw[at] - v[at] * share);')}`
  }
}`,
  });
  return { variant: name, temporaries: [], dispatches: [plan] };
}
