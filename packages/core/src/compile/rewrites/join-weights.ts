import {
  type JoinSegment,
  joinTable,
  mostJoined,
  planConv2d,
  planJoinAll,
  type Target,
  type WeightParts,
  withoutJoin,
} from '@initlab/kernels';
import { type GraphNode, is, makeNode, type Node } from '../../op/graph-node.js';
import { defineOp, madeHere } from '../../op/op.js';
import { numbered, numberedSlots, type SlotList } from '../../op/slots.js';
import { type Conv2dAttrs, conv2dGradWeightOp, problemOf } from '../../ops/product/conv2d.js';
import { rowMajor } from '../../storage/spec.js';
import type { GraphValue, Storage } from '../../storage/storage.js';
import { flatValue, type Graph, newValue } from '../graph.js';

/** A weight gradient that leaves its parts. */
const partsOp = defineOp<Conv2dAttrs>()({
  name: 'conv2dGradWeight',
  inputs: ['x', 'dy'],
  outputs: ['partials'],
  infer: madeHere,
  plan: ({ inputs: { x }, attrs, target }) => withoutJoin(planConv2d(problemOf(attrs, x.dtype, false), 'gradWeight', target)),
});

/** The flat gradients are an input too, written in place: only parts of them change. */
const joinOp = defineOp<{ readonly segments: readonly JoinSegment[] }>()<SlotList, []>({
  name: 'joinWeightGradients',
  inputs: ['gradients', 'table', ...numberedSlots('partials', 12)],
  outputs: [],
  mutates: ['gradients'],
  infer: madeHere,
  plan: ({ attrs, target }) => planJoinAll(attrs.segments, target),
});

interface Candidate {
  readonly node: Node<typeof conv2dGradWeightOp>;
  readonly at: number;
  readonly weightParts: WeightParts;
  readonly dw: GraphValue;
}

/** Parts that wait for others hold memory: no more than this, in bytes, in one dispatch. */
const mostBytes = 64 * 2 ** 20;

/**
 * Weight gradients whose sums were cut into parts are joined several layers at a time, into the flat gradients, instead of
 * each by a dispatch of its own. After `writeThrough`, which has made them write there.
 */
export function joinWeights(graph: Graph, target: Target): void {
  // On a CPU a dispatch costs less than the barriers of this one.
  if (target.software) return;
  const { analysis } = graph;
  let open: Candidate[] = [];
  let bytes = 0;
  const close = (): void => {
    const last = open.at(-1);
    if (last && open.length > 1) {
      const { parts, join } = joined(graph, open, last.dw.storage.whole);
      for (const { node, leaving } of parts) analysis.replace(node, leaving, ...(node === last.node ? [join] : []));
    }
    open = [];
    bytes = 0;
  };
  graph.nodes.forEach((node, at) => {
    if (!is(node, conv2dGradWeightOp)) return;
    const { dw } = node.out;
    if (dw.spec.dtype !== 'f32' || !partOfLarger(dw.storage)) return;
    const { weightParts } = planConv2d(problemOf(node.attrs, node.in.x.spec.dtype, false), 'gradWeight', target);
    if (!weightParts || (dw.storage.whole.region?.size ?? 0) > target.maxStorageBinding) return;
    const own = weightParts.elements * weightParts.splits * 4;
    const first = open[0];
    const fits = first === undefined || first.dw.storage.whole === dw.storage.whole;
    // Gradients that someone reads before the join must be there.
    const early = open.some((c) => analysis.touched(c.dw.storage, c.at, at));
    if (!fits || early || open.length >= mostJoined(target) || bytes + own > mostBytes) close();
    open.push({ node, at, weightParts, dw });
    bytes += own;
  });
  close();
  graph.settle();
}

const partOfLarger = (storage: Storage): boolean =>
  storage.region !== undefined && storage.whole.region !== undefined && storage.whole.region.size > storage.region.size;

interface Joined {
  readonly join: GraphNode;
  /** What stands for each gradient, leaving its parts. */
  readonly parts: readonly { readonly node: GraphNode; readonly leaving: GraphNode }[];
}

/** Gradients that lie in `whole`. */
function joined(graph: Graph, candidates: readonly Candidate[], whole: Storage): Joined {
  const { device } = whole;
  const start = whole.region?.offset ?? 0;
  const segments: JoinSegment[] = [];
  const values: GraphValue[] = [];
  const parts = candidates.map(({ node, weightParts, dw }) => {
    segments.push({ ...weightParts, to: ((dw.storage.region?.offset ?? 0) - start) / 4 });
    const count = weightParts.elements * weightParts.splits;
    const value = newValue(device, rowMajor([count]), 'parts of a weight gradient');
    values.push(value);
    return { node, leaving: makeNode(partsOp, { attrs: node.attrs, in: node.in, out: { partials: value } }) };
  });
  const table = graph.constant(device, joinTable(segments), 'table of weight gradients');
  const join = makeNode(joinOp, {
    attrs: { segments },
    in: { gradients: flatValue(whole), table, ...numbered('partials', values) },
    out: {},
  });
  return { parts, join };
}
