import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';

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
  const { rows, classes, dtype } = problem;
  const forward = direction === 'forward';
  const name = `cross-entropy-${direction}-${dtype}`;
  const count = forward ? rows : rows * classes;
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name,
        enables: dtype === 'f16' ? ['f16'] : [],
        bindings: forward
          ? [read('logits', dtype), read('target_', 'i32'), readWrite('loss'), readWrite('stats', 'vec2<f32>')]
          : [read('g'), read('logits', dtype), read('target_', 'i32'), read('stats', 'vec2<f32>'), readWrite('dlogits', dtype)],
        slots: { target_: 'target' },
        scalars: { count: u32(count), classes: u32(classes), smoothing: f32(problem.labelSmoothing) },
        workgroups: linearGroups(ceilDiv(count, 64), target),
        code: () => `
${mathFunctions(['exact_exp', 'exact_log', 'maxNan', 'nanOf'])}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  ${forward ? forwardBody : backwardBody(dtype)}
}`,
      }),
    ],
  };
}

const forwardBody = `
  let base = i * p.classes;
  var top = f32(logits[base]);
  for (var k = 1u; k < p.classes; k++) { top = maxNan(top, f32(logits[base + k])); }
  var sum = 0.0;
  var total = 0.0;
  for (var k = 0u; k < p.classes; k++) {
    let d = f32(logits[base + k]) - top;
    sum += exact_exp(d);
    total += d;
  }
  let shift = exact_log(sum);
  stats[i] = vec2f(top, shift);
  let t = u32(target_[i]);
  if (t >= p.classes) { loss[i] = nanOf(top); return; }
  let chosen = f32(logits[base + t]) - top;
  loss[i] = shift - (1.0 - p.smoothing) * chosen - p.smoothing * total / f32(p.classes);`;

const backwardBody = (dtype: string): string => `
  let row = i / p.classes;
  let s = stats[row];
  let probability = exact_exp(f32(logits[i]) - s.x - s.y);
  let t = u32(target_[row]);
  let wanted = select(0.0, 1.0 - p.smoothing, t == i % p.classes) + p.smoothing / f32(p.classes);
  var d = g[row] * (probability - wanted);
  if (t >= p.classes) { d = nanOf(s.x); }
  dlogits[i] = ${dtype}(d);`;
