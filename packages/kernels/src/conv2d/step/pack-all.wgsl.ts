import { ceilDiv, dispatch, entry, grid, read, readWrite, single, u32s } from '../../kernel.js';
import type { Plan, SlotRange, Target } from '../../plan.js';
import type { Conv2dPlan, FilterPack } from '../shared/conv2d-plan.js';

/** One product's filters among all: where its weights begin in the flat parameters, and its result in the packed ones; in elements. */
export interface PackSegment extends FilterPack {
  readonly from: number;
  readonly to: number;
}

const threads = 256;
/** Elements a workgroup packs: each of its threads one vector. */
const blockSize = threads * 4;
/** Numbers that tell of one segment. */
const fields = 9;

/**
 * The table `planPackAll` reads: first the segments (from, to, packed, taps, inner, outer, width, forward, first block), then the
 * segment of every block.
 */
export function packTable(segments: readonly PackSegment[]): Uint32Array<ArrayBuffer> {
  const blocks: number[] = [];
  const rows = segments.flatMap((s, i) => {
    const first = blocks.length;
    for (let block = 0; block < ceilDiv(s.packed, blockSize); block++) blocks.push(i);
    return [s.from, s.to, s.packed, s.taps, s.inner, s.outer, s.width, s.forward ? 1 : 0, first];
  });
  return Uint32Array.from([...rows, ...blocks]);
}

/**
 * All filters of a step in one dispatch instead of one for each product: slots weights (the flat f32 parameters), table
 * (see `packTable`) → packed. Segments begin at multiples of 256 bytes and have one type.
 */
export function planPackAll(segments: readonly PackSegment[], target: Target): Plan {
  const dtype = segments[0]?.dtype ?? 'f32';
  const blocks = segments.reduce((sum, s) => sum + ceilDiv(s.packed, blockSize), 0);
  const made = dispatch(target, {
    family: 'conv2d-pack-all',
    about: `All filters of a step from OIHW to [group][tap][inner channel][outer channel], outer filled with zeros to whole vectors. table: for each product (a segment)
from, to, elements, taps, inner, outer, width, whether forward, first block; then the segment of every block.
A workgroup owns one block, 1,024 elements of a segment; an invocation a vector of them. No barriers.`,
    key: { dtype },
    bindings: [read('weights'), read('table', 'u32'), readWrite('packed', `vec4<${dtype}>`)],
    scalars: u32s({ segments: segments.length, blocks }),
    workgroups: grid(blocks, target, { together: true }),
    code: ({ dtype }) => `
${entry('block', 'p.blocks', { together: true, threads })}
  let at = table[p.segments * ${fields}u + block] * ${fields}u;
  let i = ((block - table[at + 8u]) * ${threads}u + lane) * 4u;
  if (i >= table[at + 2u]) { return; }
  let taps = table[at + 3u];
  let inner = table[at + 4u];
  let outer = table[at + 5u];
  let width = table[at + 6u];
  let o = i % width;
  let c = i / width % inner;
  let tap = i / (width * inner) % taps;
  let g = i / (width * inner * taps);
  // A forward pass reads [outer][inner] of a group, an input gradient [inner][outer].
  let forward = table[at + 7u] == 1u;
  let first = table[at] + select((g * inner + c) * outer + o, (g * outer + o) * inner + c, forward) * taps + tap;
  let step = select(taps, inner * taps, forward);
  var value = vec4f();
  for (var e = 0u; e < 4u && o + e < outer; e++) { value[e] = weights[first + e * step]; }
  packed[(table[at + 1u] + i) / 4u] = vec4<${dtype}>(value);
}`,
  });
  return single(made);
}

/** A product's plan that reads its filters from `packed` instead of packing them. */
export function withPackedFilters(plan: Conv2dPlan, { offset }: { offset: number }): Plan {
  const own = plan.temporaries.find((t) => t.slot === 'filters');
  if (!plan.pack || !own) throw new Error(`kernels: ${plan.variant} packs no filters`);
  const from: SlotRange = { slot: 'packed', offset, bytes: own.bytes };
  return {
    variant: plan.variant,
    temporaries: plan.temporaries.filter((t) => t !== own),
    dispatches: plan.dispatches.slice(1).map((d) => ({ ...d, slots: d.slots.map((slot) => (slot === 'filters' ? from : slot)) })),
  };
}
