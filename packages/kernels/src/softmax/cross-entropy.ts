import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { rowTeam } from '../reduce/row-team.js';

export interface CrossEntropyProblem {
  readonly rows: number;
  readonly classes: number;
  /** Share of the target spread evenly over all classes. */
  readonly labelSmoothing: number;
  /** Type of the logits; losses and gradients' sums are f32. */
  readonly dtype: 'f32' | 'f16';
}

/**
 * Cross entropy of each row with an integer target. Slots: logits, target (i32) → loss, stats; backward: g, logits,
 * target, stats → dlogits. `stats` holds each row's maximum and log Σ exp(x − maximum), apart, so that huge logits keep
 * their digits. A target outside the classes gives NaN.
 */
export function planCrossEntropy(problem: CrossEntropyProblem, direction: 'forward' | 'backward', target: Target): Plan {
  return direction === 'forward' ? planForward(problem, target) : planBackward(problem, target);
}

const enables = (dtype: string): string[] => (dtype === 'f16' ? ['f16'] : []);

function planForward({ rows, classes, labelSmoothing, dtype }: CrossEntropyProblem, target: Target): Plan {
  const team = rowTeam({ rows, length: classes }, target);
  const name = `cross-entropy-forward-${dtype}${team.name}`;
  const forward = dispatch(target, {
    name,
    enables: enables(dtype),
    bindings: [read('logits', dtype), read('target_', 'i32'), readWrite('loss'), readWrite('stats', 'vec2<f32>')],
    slots: { target_: 'target' },
    scalars: { rows: u32(rows), length: u32(classes), smoothing: f32(labelSmoothing) },
    workgroups: team.workgroups,
    code: () => `
${mathFunctions(['exact_exp', 'exact_log', 'maxNan', 'nanOf'])}
${team.functions(['sum', 'max'])}
${team.entry}
  let base = row * p.length;
  // The first element stands in where a lane has none.
  var top = f32(logits[base]);
  ${team.each('top = maxNan(top, f32(logits[base + k]));')}
  top = maxAll(lane, top);
  var sum = 0.0;
  var total = 0.0;
  ${team.each('let d = f32(logits[base + k]) - top; sum += exact_exp(d); total += d;')}
  sum = sumAll(lane, sum);
  total = sumAll(lane, total);
  if (lane > 0u) { return; }
  let shift = exact_log(sum);
  stats[row] = vec2f(top, shift);
  let t = u32(target_[row]);
  if (t >= p.length) { loss[row] = nanOf(top); return; }
  let chosen = f32(logits[base + t]) - top;
  var value = shift - (1.0 - p.smoothing) * chosen;
  // Not without smoothing: a class ruled out by a logit of −∞ would make 0 · ∞ of it.
  if (p.smoothing > 0.0) { value -= p.smoothing * total / f32(p.length); }
  loss[row] = value;
}`,
  });
  return { variant: name, temporaries: [], dispatches: [forward] };
}

function planBackward({ rows, classes, labelSmoothing, dtype }: CrossEntropyProblem, target: Target): Plan {
  const name = `cross-entropy-backward-${dtype}`;
  const count = rows * classes;
  const backward = dispatch(target, {
    name,
    enables: enables(dtype),
    bindings: [read('g'), read('logits', dtype), read('target_', 'i32'), read('stats', 'vec2<f32>'), readWrite('dlogits', dtype)],
    slots: { target_: 'target' },
    scalars: { count: u32(count), classes: u32(classes), smoothing: f32(labelSmoothing) },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: () => `
${mathFunctions(['exact_exp', 'nanOf'])}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let row = i / p.classes;
  let s = stats[row];
  let probability = exact_exp(f32(logits[i]) - s.x - s.y);
  let t = u32(target_[row]);
  let wanted = select(0.0, 1.0 - p.smoothing, t == i % p.classes) + p.smoothing / f32(p.classes);
  var d = g[row] * (probability - wanted);
  if (t >= p.classes) { d = nanOf(s.x); }
  dlogits[i] = ${dtype}(d);
}`,
  });
  return { variant: name, temporaries: [], dispatches: [backward] };
}
