import { i32, planSingle, read, readWrite, u32, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';
import { chooseSplits } from '../reduce/walk.js';

export interface LossMeanProblem {
  readonly rows: number;
  readonly classes: number;
  /** Rows of this class do not count. */
  readonly ignoreIndex: number;
  /** A row counts by its class's weight. */
  readonly weighted: boolean;
  /** A part of each loss is that of all classes alike. */
  readonly smoothed: boolean;
}

const threads = 256;

/**
 * Mean of the rows' losses, each counted by its class's weight: Σ loss / Σ weight[class] over the rows that are not ignored, NaN where
 * these weights are 0 (infinite where they cancel and the losses do not). Slots: loss (of weighted rows), target (i32), weight? → mean,
 * total (the divisor; NaN in place of 0, so that gradients are NaN too).
 *
 * One workgroup; each thread sums some rows, in the order in which a plain mean does, and the first adds the threads' sums.
 */
export function planLossMean({ rows, classes, ignoreIndex, weighted, smoothed }: LossMeanProblem, target: Target): Plan {
  const lanes = rows % 4 === 0 ? 4 : 1;
  const count = rows / lanes;
  const splits = Math.min(threads, chooseSplits(1, count, target));
  return planSingle(`loss-mean-v${lanes}${weighted ? '-weighted' : ''}`, target, {
    family: 'loss-mean',
    about:
      'One workgroup; an invocation sums a run of neighbouring rows. Barrier: all sums are written before the first invocation adds them in order.',
    key: { lanes, weighted },
    bindings: [read('loss'), read('target_', 'i32'), ...(weighted ? [read('weight')] : []), readWrite('mean'), readWrite('total')],
    slots: { target_: 'target' },
    bake: 'shared',
    scalars: {
      ...u32s({ count, splits, classes }),
      ignored: i32(ignoreIndex),
      ...(weighted ? { smoothed: u32(smoothed ? 1 : 0) } : {}),
    },
    workgroups: [1, 1, 1],
    code: lossMeanCode,
  });
}

function lossMeanCode({ lanes, weighted }: { lanes: 1 | 4; weighted: boolean }): string {
  const each = Array.from({ length: lanes }, (_, k) => `r * ${lanes}u + ${k}u`);
  const vector = (parts: readonly string[]): string => (lanes === 4 ? `vec4f(${parts.join(', ')})` : (parts[0] as string));
  return `
${mathFunctions(['nanOf'])}
var<workgroup> shares: array<vec2f, ${threads}>;
fn countOf(row: u32) -> f32 {
  let t = target_[row];
  if (t == p.ignored) { return 0.0; }
  // The loss of a class that there is not is NaN already.
  return ${weighted ? 'weight[min(u32(t), p.classes - 1u)]' : '1.0'};
}
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) lane: u32) {
  if (lane < p.splits) {
    var acc = ${lanes === 4 ? 'vec4f()' : '0.0'};
    var weights = 0.0;
    for (var r = lane; r < p.count; r += p.splits) {
      acc += ${vector(each.map((at) => `loss[${at}]`))};
      ${each.map((at) => `weights += countOf(${at});`).join(' ')}
    }
    shares[lane] = vec2f(${lanes === 4 ? '(acc.x + acc.y) + (acc.z + acc.w)' : 'acc'}, weights);
  }
  // The first invocation reads what all wrote.
  workgroupBarrier();
  if (lane > 0u) { return; }
  var sum = vec2f();
  for (var s = 0u; s < p.splits; s++) { sum += shares[s]; }
  let none = sum.y == 0.0;
  total[0] = select(sum.y, nanOf(sum.y), none);${
    weighted
      ? `
  // Weights of both signs may cancel: a loss divided by 0 is infinite. One that smoothing is a part of is NaN.
  let bits = bitcast<u32>(sum.x);
  let size = bits & 0x7fffffffu;
  let endless = p.smoothed == 0u && size > 0u && size <= 0x7f800000u;
  let infinite = bitcast<f32>((bits & 0x80000000u) | 0x7f800000u);`
      : ''
  }
  mean[0] = select(sum.x * (1.0 / sum.y), ${weighted ? 'select(nanOf(sum.x), infinite, endless)' : 'nanOf(sum.x)'}, none);
}`;
}
