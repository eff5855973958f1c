import { planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { rowTeam, teamCode } from '../reduce/row-team.js';

/** A row of zeros has no direction: what is divided by its norm is 0 there, the gradients too. */
const unlessZero = (quotient: string): string => `select(${quotient}, 0.0, size == 0.0)`;

/*
 * A row's length, and that in units of which its squares are f32: each lane measures the row again by itself, since values that
 * large or that small are rare. Rows of zeros and of what is not finite stay as they are.
 */
const rowMeasure = `
struct Measured { down: f32, up: f32, size: f32, again: bool }
fn measureRow(base: u32) -> Measured {
  var top = 0u;
  for (var k = 0u; k < p.length; k++) { top = max(top, bitcast<u32>(v[base + k]) & 0x7fffffffu); }
  if (top < 0x00800000u || top >= 0x7f800000u) { return Measured(1.0, 1.0, 0.0, false); }
  let field = clamp(254u - (top >> 23u), 1u, 253u);
  let down = bitcast<f32>(field << 23u);
  var sum = 0.0;
  for (var k = 0u; k < p.length; k++) { let x = v[base + k] * down; sum = fma(x, x, sum); }
  return Measured(down, bitcast<f32>((254u - field) << 23u), sqrt(sum), true);
}`;

/** Weights [rows, length], row-major: a row is what one output channel multiplies. */
export interface WeightNormProblem {
  readonly rows: number;
  readonly length: number;
}

/**
 * w = g · v / ‖v‖, the norm over each row (arXiv:1602.07868). Slots, all f32: v, g → w, norm; the gradient:
 * dw, v, g, norm → dv, dg with dg = Σ dw·v / ‖v‖ and dv = g/‖v‖ · (dw − v · dg/‖v‖). Rows of zeros give zeros. A direction is
 * right also where the sum of its squares is no f32.
 */
export function planWeightNorm(problem: WeightNormProblem, direction: 'forward' | 'backward', target: Target): Plan {
  const { rows, length } = problem;
  const forward = direction === 'forward';
  const team = rowTeam(problem, target);
  return planSingle(`weight-norm-${direction}${team.together ? '-team' : ''}`, target, {
    family: 'weight-norm',
    about: `v lies [row][length]. A row belongs to one invocation, or together to a workgroup whose invocations take every n-th element, and a tree joins them.
Barriers: what is joined at a level was written before it, and read before it is overwritten.`,
    key: { forward, together: team.together },
    bindings: forward
      ? [read('v'), read('g'), readWrite('w'), readWrite('norm')]
      : [read('dw'), read('v'), read('g'), read('norm'), readWrite('dv'), readWrite('dg')],
    bake: 'shared',
    scalars: u32s({ rows, length }),
    workgroups: team.workgroups,
    code: weightNormCode,
  });
}

function weightNormCode({ forward, together }: { forward: boolean; together: boolean }): string {
  const team = teamCode(together);
  const each = (body: string): string => team.each(`let at = base + k; ${body}`);
  return `
${team.functions(['sum'])}
${rowMeasure}
${team.entry}
  let base = row * p.length;
  var sum = 0.0;
  ${
    forward
      ? `${each('sum = fma(v[at], v[at], sum);')}
  sum = sumAll(lane, sum);
  if (!(sum > 1e-30 && sum < 3e38)) {
    let m = measureRow(base);
    if (m.again) {
      if (lane == 0u) { norm[row] = m.size * m.up; }
      let scale = g[row] / m.size;
      ${each('w[at] = (v[at] * m.down) * scale;')}
      return;
    }
  }
  let size = sqrt(sum);
  if (lane == 0u) { norm[row] = size; }
  let scale = ${unlessZero('g[row] / size')};
  ${each('w[at] = v[at] * scale;')}`
      : `${each('sum = fma(dw[at], v[at], sum);')}
  sum = sumAll(lane, sum);
  let size = norm[row];
  if (!(size > 1e-15 && size < 1.7e19)) {
    let m = measureRow(base);
    if (m.again) {
      var along = 0.0;
      for (var k = 0u; k < p.length; k++) { along = fma(dw[base + k], v[base + k] * m.down, along); }
      along = along / m.size;
      if (lane == 0u) { dg[row] = along; }
      let scale = (g[row] / m.size) * m.down;
      let share = along / m.size;
      ${each('dv[at] = scale * (dw[at] - (v[at] * m.down) * share);')}
      return;
    }
  }
  let along = ${unlessZero('sum / size')};
  if (lane == 0u) { dg[row] = along; }
  let scale = ${unlessZero('g[row] / size')};
  let share = ${unlessZero('along / size')};
  ${each('dv[at] = scale * (dw[at] - v[at] * share);')}`
  }
}`;
}
