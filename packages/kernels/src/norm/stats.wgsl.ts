import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type NormProblem, partsOf } from './problem.js';

export interface RunningStatistics {
  /** Weight of the new value: running = (1 − momentum) · running + momentum · batch. */
  readonly momentum: number;
}

/**
 * Mean and 1/√(variance + eps) of every group. Slots: x → mean, rstd ([segments, groups], f32); with `running` also
 * runningMean, runningVar (read-write, one segment only; the variance stored there is the unbiased one).
 *
 * A thread takes one channel and a part of the rows, and sums deviations from its first element: no cancellation,
 * whatever the mean. The parts' means and sums of squares are merged pairwise (Chan, Golub, LeVeque 1979), in order.
 */
export function planNormStats(problem: NormProblem, target: Target, running?: RunningStatistics): Plan {
  const { parts, rowsPerPart } = partsOf(problem, target);
  const { segments, channels } = problem;
  const partial = dispatch(target, {
    name: `norm-stats-partial-${problem.dtype}`,
    enables: problem.dtype === 'f16' ? ['f16'] : [],
    bindings: [read('x', problem.dtype), readWrite('partials', 'vec2<f32>')],
    scalars: { rows: u32(problem.rows), channels: u32(channels), parts: u32(parts), rowsPerPart: u32(rowsPerPart), count: u32(segments * parts * channels) },
    workgroups: linearGroups(ceilDiv(segments * parts * channels, 64), target),
    code: () => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let c = i % p.channels;
  let part = (i / p.channels) % p.parts;
  let segment = i / (p.channels * p.parts);
  let begin = part * p.rowsPerPart;
  let end = min(begin + p.rowsPerPart, p.rows);
  let base = segment * p.rows * p.channels + c;
  let origin = f32(x[base + begin * p.channels]);
  var sum = 0.0;
  var squares = 0.0;
  for (var row = begin; row < end; row++) {
    let d = f32(x[base + row * p.channels]) - origin;
    sum += d;
    squares = fma(d, d, squares);
  }
  let n = f32(end - begin);
  partials[i] = vec2f(origin + sum / n, max(squares - sum * sum / n, 0.0));
}`,
  });
  return {
    variant: `norm-stats-${parts}parts`,
    temporaries: [{ slot: 'partials', bytes: segments * parts * channels * 8 }],
    dispatches: [partial, merge(problem, parts, rowsPerPart, target, running)],
  };
}

/** Threads that merge one group together: one on a CPU driver or for few parts, else a workgroup with a tree. */
function merge(problem: NormProblem, parts: number, rowsPerPart: number, target: Target, running: RunningStatistics | undefined): Dispatch {
  const { segments, channels, groups, rows } = problem;
  const width = channels / groups;
  const items = parts * width;
  const threads = target.software || items <= 32 ? 1 : 64;
  const perWorkgroup = threads === 1 ? 64 : 1;
  const bindings = [read('partials', 'vec2<f32>'), readWrite('mean'), readWrite('rstd')];
  return dispatch(target, {
    name: `norm-stats-merge-${threads === 1 ? 'serial' : 'tree'}${running ? '-running' : ''}`,
    bindings: running ? [...bindings, readWrite('runningMean'), readWrite('runningVar')] : bindings,
    scalars: {
      count: u32(segments * groups),
      groups: u32(groups),
      channels: u32(channels),
      width: u32(width),
      parts: u32(parts),
      rows: u32(rows),
      rowsPerPart: u32(rowsPerPart),
      eps: f32(problem.eps),
      momentum: f32(running?.momentum ?? 0),
    },
    workgroups: linearGroups(ceilDiv(segments * groups, perWorkgroup), target),
    code: () => `
struct Moments { n: f32, mean: f32, squares: f32 }
fn join(a: Moments, b: Moments) -> Moments {
  let n = a.n + b.n;
  if (b.n == 0.0) { return a; }
  let d = b.mean - a.mean;
  let share = b.n / n;
  return Moments(n, fma(d, share, a.mean), a.squares + b.squares + d * d * a.n * share);
}
fn item(group: u32, k: u32) -> Moments {
  let part = k / p.width;
  let at = ((group / p.groups) * p.parts + part) * p.channels + (group % p.groups) * p.width + k % p.width;
  let v = partials[at];
  return Moments(f32(min(p.rowsPerPart, p.rows - part * p.rowsPerPart)), v.x, v.y);
}
${threads > 1 ? `var<workgroup> shared_: array<Moments, ${threads}>;` : ''}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = ${threads === 1 ? '(wid.x + wid.y * nwg.x) * 64u + lane' : 'wid.x + wid.y * nwg.x'};
  if (group >= p.count) { return; }
  let items = p.parts * p.width;
  var total = Moments(0.0, 0.0, 0.0);
  for (var k = ${threads === 1 ? '0u' : 'lane'}; k < items; k += ${threads}u) { total = join(total, item(group, k)); }
  ${
    threads === 1
      ? ''
      : `shared_[lane] = total;
  for (var half = ${threads / 2}u; half > 0u; half /= 2u) {
    // Everyone's part is written before its neighbour reads it.
    workgroupBarrier();
    if (lane < half) { shared_[lane] = join(shared_[lane], shared_[lane + half]); }
  }
  if (lane != 0u) { return; }
  total = shared_[0];`
  }
  mean[group] = total.mean;
  rstd[group] = 1.0 / sqrt(total.squares / total.n + p.eps);
  ${
    running
      ? `runningMean[group] = fma(p.momentum, total.mean - runningMean[group], runningMean[group]);
  let unbiased = total.squares / max(total.n - 1.0, 1.0);
  runningVar[group] = fma(p.momentum, unbiased - runningVar[group], runningVar[group]);`
      : ''
  }
}`,
  });
}
