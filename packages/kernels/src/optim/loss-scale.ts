import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, SlotRange, Target } from '../plan.js';
import { flatPieces } from './pieces.js';

/**
 * What a loss scaler keeps on the GPU: the factor of the next loss; what the gradients at hand are to be multiplied with; 1
 * when they hold a NaN or an infinity, so that the step is skipped; steps in a row that did not.
 */
export const lossScaleNames = ['scale', 'inverse', 'skip', 'good'] as const;

const workgroupSize = 64;
const perThread = 64;

/**
 * Looks through all gradients for what is not finite and moves the scale: halved after a bad step (not below 1), doubled
 * after `growthInterval` good ones in a row. Slots: grad0, grad1, … (f32, `sizes` elements), state (rw, `lossScaleNames`).
 */
export function planLossScale({ sizes, growthInterval }: { sizes: readonly number[]; growthInterval: number }, target: Target): Plan {
  let total = 0;
  const searches = sizes.flatMap((length, i) =>
    flatPieces(length, target).map(({ elements, of }) => {
      const count = ceilDiv(elements, workgroupSize * perThread);
      total += count;
      return search({ elements, count, begin: total - count, slot: of(`grad${i}`) }, target);
    }),
  );
  return {
    variant: 'loss-scale',
    temporaries: [{ slot: 'found', bytes: Math.max(4, total * 4) }],
    dispatches: [...searches, move(total, growthInterval, target)],
  };
}

interface Piece {
  readonly elements: number;
  /** Workgroups of this piece, and where their answers begin. */
  readonly count: number;
  readonly begin: number;
  readonly slot: string | SlotRange;
}

/** Each workgroup says whether its piece holds anything not finite: by bits, since drivers may assume that nothing is. */
function search({ elements, count, begin, slot }: Piece, target: Target): Dispatch {
  return dispatch(target, {
    name: 'find-non-finite',
    bindings: [read('grad', 'u32'), readWrite('found', 'u32')],
    slots: { grad: slot },
    scalars: { elements: u32(elements), count: u32(count), begin: u32(begin) },
    neverBake: true,
    workgroups: linearGroups(count, target),
    code: () => `
var<workgroup> any: array<u32, ${workgroupSize}>;
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let group = wid.x + wid.y * nwg.x;
  if (group >= p.count) { return; }
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

function move(count: number, growthInterval: number, target: Target): Dispatch {
  return dispatch(target, {
    name: 'move-loss-scale',
    bindings: [read('found', 'u32'), readWrite('state')],
    scalars: { count: u32(count), growthInterval: u32(growthInterval) },
    neverBake: true,
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
  let scale = state[0];
  let good = select(state[3] + 1.0, 0.0, bad != 0u);
  let grown = good >= f32(p.growthInterval);
  state[0] = select(select(scale, scale * 2.0, grown), max(1.0, scale * 0.5), bad != 0u);
  state[1] = 1.0 / scale;
  state[2] = f32(bad);
  state[3] = select(good, 0.0, grown);
}`,
  });
}
