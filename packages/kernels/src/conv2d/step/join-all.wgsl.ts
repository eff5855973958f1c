import { ceilDiv, dispatch, entry, grid, read, readWrite, single, u32 } from '../../kernel.js';
import type { Plan, Target } from '../../plan.js';
import { unrolled } from '../../range.js';
import type { Conv2dPlan, WeightParts } from '../shared/conv2d-plan.js';

/** One weight gradient among those joined: its parts, and where it goes in the flat gradients, in elements. */
export interface JoinSegment extends WeightParts {
  readonly to: number;
}

const threads = 256;
/** Invocations that share one element's parts; their sums are added in order. */
const workers = 8;
const each = threads / workers;
/** Numbers that tell of one segment. */
const fields = 8;

/** How many weight gradients one dispatch joins on a target: a binding each, beside the table and the result. */
export const mostJoined = (target: Target): number => Math.min(12, target.maxStorageBuffers - 2);

/**
 * The table `planJoinAll` reads: first the segments (elements, splits, output channels, input channels of a group, taps,
 * to, first block, 0), then the segment of every block.
 */
export function joinTable(segments: readonly JoinSegment[]): Uint32Array<ArrayBuffer> {
  const blocks: number[] = [];
  const rows = segments.flatMap((s, i) => {
    const first = blocks.length;
    for (let block = 0; block < ceilDiv(s.elements, each); block++) blocks.push(i);
    return [s.elements, s.splits, s.outChannels, s.groupIn, s.taps, s.to, first, 0];
  });
  return Uint32Array.from([...rows, ...blocks]);
}

/**
 * Adds the parts of several layers' weight gradients in one dispatch, each as `joinSplits` does: slots partials0,
 * partials1, …, table (see `joinTable`) → gradients (the flat ones, OIHW each).
 */
export function planJoinAll(segments: readonly JoinSegment[], target: Target): Plan {
  const blocks = segments.reduce((sum, s) => sum + ceilDiv(s.elements, each), 0);
  const made = dispatch(target, {
    family: 'conv2d-join-all',
    about: `Adds the parts of several weight gradients in order. partials lie [part][tap][input channel][output channel], a binding for each layer, a segment of the table;
gradients are all layers', OIHW each. table: for each segment elements, splits, output channels, input channels of a group, taps, where it goes, first block, 0;
then the segment of every block. A workgroup owns one block, 32 elements; 8 workers share an element, each with a share of neighbouring parts.
Barrier: all shares are written before the element's first worker adds them.`,
    key: { count: segments.length },
    bindings: [...segments.map((_, i) => read(`partials${i}`)), read('table', 'u32'), readWrite('gradients')],
    scalars: { blocks: u32(blocks) },
    workgroups: grid(blocks, target, { together: true }),
    code: ({ count }) => `
fn part(segment: u32, i: u32) -> f32 {
  switch segment {
    ${unrolled(count - 1, '\n    ', (i) => `case ${i + 1}u: { return partials${i + 1}[i]; }`)}
    default: { return partials0[i]; }
  }
}
var<workgroup> sums: array<f32, ${threads}>;

${entry('block', 'p.blocks', { together: true, threads })}
  let segment = table[${count * fields}u + block];
  let at = segment * ${fields}u;
  let elements = table[at];
  let splits = table[at + 1u];
  let worker = lane / ${each}u;
  let i = (block - table[at + 6u]) * ${each}u + lane % ${each}u;
  let share = (splits + ${workers - 1}u) / ${workers}u;
  var acc = 0.0;
  if (i < elements) {
    for (var s = worker * share; s < min((worker + 1u) * share, splits); s++) { acc += part(segment, s * elements + i); }
  }
  sums[lane] = acc;
  // The first worker of an element reads what the others wrote.
  workgroupBarrier();
  if (worker == 0u && i < elements) {
    for (var w = 1u; w < ${workers}u; w++) { acc += sums[w * ${each}u + lane]; }
    let outChannels = table[at + 2u];
    let groupIn = table[at + 3u];
    let to = (i % outChannels * groupIn + i / outChannels % groupIn) * table[at + 4u] + i / (outChannels * groupIn);
    gradients[table[at + 5u] + to] = acc;
  }
}`,
  });
  return single(made);
}

/** A weight gradient's plan that leaves its parts, in the slot `partials`. */
export function withoutJoin(plan: Conv2dPlan): Plan {
  if (!plan.weightParts) throw new Error(`kernels: ${plan.variant} joins no parts`);
  const { variant, temporaries, dispatches } = plan;
  return { variant, temporaries: temporaries.filter((t) => t.slot !== 'partials'), dispatches: dispatches.slice(0, -1) };
}
