import { dispatch, entry, f32, grid, read, readWrite, u32, u32s } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { type GradientPiece, gradientPieces } from './pieces.js';

/**
 * What a loss scaler keeps on the GPU: the factor of the next loss; what the gradients at hand are to be multiplied with; 1
 * when they hold a NaN or an infinity, so that the step is skipped; steps in a row that did not.
 */
export const lossScaleNames = ['scale', 'inverse', 'skip', 'good'] as const;

/** The largest scale: its inverse is the smallest normal number, so that gradients can still be unscaled. */
export const largestLossScale = 2 ** 126;

/** How a loss scale moves. */
export interface LossScaleRule {
  /** Good steps in a row before it grows. */
  readonly growthInterval: number;
  /** What it is then multiplied with, above 1. */
  readonly growthFactor: number;
  /** What it is multiplied with after a bad step, from 0 to 1. */
  readonly backoffFactor: number;
}

const workgroupSize = 64;
const perThread = 64;

/**
 * Looks through all gradients for what is not finite and moves the scale: by `backoffFactor` after a bad step (not below 1), by
 * `growthFactor` after `growthInterval` good ones in a row (not above `largestLossScale`). Slots: grad0, grad1, … (f32, `sizes`
 * elements), state (rw, `lossScaleNames`).
 */
export function planLossScale({ sizes, ...rule }: LossScaleRule & { sizes: readonly number[] }, target: Target): Plan {
  const { pieces, total } = gradientPieces(sizes, workgroupSize * perThread, target);
  return {
    variant: 'loss-scale',
    temporaries: [{ slot: 'found', bytes: Math.max(4, total * 4) }],
    dispatches: [...pieces.map((piece) => search(piece, target)), move(total, rule, target)],
  };
}

/** Each workgroup says whether its piece holds anything not finite: by bits, since drivers may assume that nothing is. */
function search({ elements, count, begin, slot }: GradientPiece, target: Target): Dispatch {
  return dispatch(target, {
    family: 'find-non-finite',
    about: `Whether one piece of the gradients holds anything not finite. A workgroup owns a run of neighbours and writes one word.
Barrier: all invocations' answers are written before the first one joins them.`,
    key: {},
    bindings: [read('grad', 'u32'), readWrite('found', 'u32')],
    slots: { grad: slot },
    scalars: u32s({ elements, count, begin }),
    bake: 'passed',
    workgroups: grid(count, target, { together: true }),
    code: () => `
var<workgroup> any: array<u32, ${workgroupSize}>;
${entry('group', 'p.count', { together: true })}
  var bad = 0u;
  for (var k = 0u; k < ${perThread}u; k++) {
    let i = (group * ${perThread}u + k) * ${workgroupSize}u + lane;
    if (i < p.elements) { bad |= select(0u, 1u, (grad[i] & 0x7f800000u) == 0x7f800000u); }
  }
  any[lane] = bad;
  // The first invocation reads what all wrote.
  workgroupBarrier();
  if (lane == 0u) {
    for (var other = 1u; other < ${workgroupSize}u; other++) { bad |= any[other]; }
    found[p.begin + group] = bad;
  }
}`,
  });
}

function move(count: number, { growthInterval, growthFactor, backoffFactor }: LossScaleRule, target: Target): Dispatch {
  return dispatch(target, {
    family: 'move-loss-scale',
    about: `state: scale, 1 / scale, whether the step counts, good steps in a row. One workgroup reads all workgroups' answers.
Barrier: all invocations' answers are written before the first one joins them.`,
    key: {},
    bindings: [read('found', 'u32'), readWrite('state')],
    scalars: { count: u32(count), growthInterval: f32(growthInterval), growth: f32(growthFactor), backoff: f32(backoffFactor) },
    bake: 'passed',
    workgroups: [1, 1, 1],
    code: () => `
var<workgroup> any: array<u32, ${workgroupSize}>;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) lane: u32) {
  var bad = 0u;
  for (var i = lane; i < p.count; i += ${workgroupSize}u) { bad |= found[i]; }
  any[lane] = bad;
  // The first invocation reads what all wrote.
  workgroupBarrier();
  if (lane != 0u) { return; }
  for (var other = 1u; other < ${workgroupSize}u; other++) { bad |= any[other]; }
  // A state of before there was a bound may hold an infinity.
  let scale = min(state[0], 0x1p126f);
  let good = select(state[3] + 1.0, 0.0, bad != 0u);
  let grown = good >= p.growthInterval;
  let larger = scale * p.growth;
  state[0] = select(select(scale, larger, grown && larger <= 0x1p126f), max(1.0, scale * p.backoff), bad != 0u);
  state[1] = 1.0 / scale;
  state[2] = f32(bad);
  state[3] = select(good, 0.0, grown);
}`,
  });
}
