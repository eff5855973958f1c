import { type Conv2dPlan, dtypeBytes, type PackSegment, packTable, planConv2d, planPackAll, type Target } from '@initlab/kernels';
import { type GraphNode, is, makeNode } from '../../op/graph-node.js';
import { defineOp, madeHere } from '../../op/op.js';
import { type Conv2dAttrs, conv2dGradInputOp, conv2dOp, problemOf } from '../../ops/product/conv2d.js';
import { rowMajor } from '../../storage/spec.js';
import type { GraphValue } from '../../storage/storage.js';
import { conv2dEpilogueOps, planEpilogue } from '../fused/conv2d-epilogue.js';
import { flatValue, type Graph, newValue } from '../graph.js';

const packFiltersOp = defineOp<{ readonly segments: readonly PackSegment[] }>()({
  name: 'packFilters',
  inputs: ['weights', 'table'],
  outputs: ['packed'],
  infer: madeHere,
  plan: ({ attrs, target }) => planPackAll(attrs.segments, target),
});

/** Bindings begin at multiples of this. */
const alignment = 256;

/** Products whose filters come from one flat buffer, in one type. */
interface Group {
  readonly weight: GraphValue;
  readonly dtype: 'f32' | 'f16';
  /** Where in the graph the first reads them. */
  readonly first: number;
  /** Products of one layer may want the same segment. */
  readonly wanted: { readonly node: GraphNode; readonly segment: PackSegment }[];
  readonly segments: Map<string, PackSegment>;
  bytes: number;
}

/**
 * Products that pack their filters first read them from one buffer instead, which a single dispatch at their beginning
 * fills from the flat parameters.
 */
export function packFilters(graph: Graph, target: Target): void {
  const { analysis } = graph;
  const groups: Group[] = [];
  graph.nodes.forEach((node, i) => {
    const { weight } = node.in;
    const region = weight?.storage.region;
    const whole = weight?.storage.whole.region;
    // Parameters of an optimiser lie in a flat buffer; what is computed or lies alone is packed by its product.
    if (!weight || !region || !whole || whole.size === region.size || weight.spec.dtype !== 'f32') return;
    const pack = ownPlan(node, target)?.pack;
    if (!pack) return;
    let group = groups.find((g) => g.dtype === pack.dtype && g.weight.storage.whole === weight.storage.whole);
    if (!group) {
      group = { weight, dtype: pack.dtype, first: i, wanted: [], segments: new Map(), bytes: 0 };
      groups.push(group);
    }
    // All are packed where the first is read, so nobody may change them between.
    if (analysis.overwritten(weight, group.first - 1, i)) return;
    const key = `${region.offset} ${pack.forward} ${pack.inner} ${pack.outer}`;
    let segment = group.segments.get(key);
    if (!segment) {
      const size = dtypeBytes[pack.dtype];
      segment = { ...pack, from: (region.offset - whole.offset) / 4, to: group.bytes / size };
      group.segments.set(key, segment);
      group.bytes += Math.ceil((pack.packed * size) / alignment) * alignment;
    }
    group.wanted.push({ node, segment });
  });
  for (const { wanted, segments, bytes, weight, dtype } of groups) {
    if (wanted.length < 2 || bytes > target.maxStorageBinding) continue;
    const all = [...segments.values()];
    const { device } = weight.storage;
    const size = dtypeBytes[dtype];
    const packed = newValue(device, rowMajor([bytes / size], dtype), 'packed filters');
    const table = graph.constant(device, packTable(all), 'table of filters');
    const weights = flatValue(weight.storage.whole);
    const pack = makeNode(packFiltersOp, { attrs: { segments: all }, in: { weights, table }, out: { packed } });
    wanted.forEach(({ node, segment }, i) => {
      // A product's, which `ownPlan` knows.
      const attrs: Conv2dAttrs = { ...(node.attrs as Conv2dAttrs), packedAt: segment.to * size };
      analysis.replace(node, ...(i === 0 ? [pack] : []), node.with({ attrs, in: { ...node.in, packed } }));
    });
  }
  graph.settle();
}

/** How a product that can read packed filters is computed while it packs them itself; undefined for other nodes. */
function ownPlan(node: GraphNode, target: Target): Conv2dPlan | undefined {
  if (is(node, conv2dOp)) return planConv2d(problemOf(node.attrs, node.in.x.spec.dtype, node.in.bias !== undefined), 'forward', target);
  if (is(node, conv2dGradInputOp)) return planConv2d(problemOf(node.attrs, node.in.dy.spec.dtype, false), 'gradInput', target);
  if (is(node, conv2dEpilogueOps.forward) || is(node, conv2dEpilogueOps.gradInput)) return planEpilogue(node.attrs, target);
  return undefined;
}
