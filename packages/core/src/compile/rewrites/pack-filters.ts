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

/** Attributes of a product, and how it is computed while it packs its filters itself. */
interface Product {
  readonly attrs: Conv2dAttrs;
  readonly plan: Conv2dPlan;
}

/** Bindings begin at multiples of this. */
const alignment = 256;

/** Products whose filters come from one flat buffer, in one type. */
interface Group {
  readonly weight: GraphValue;
  readonly dtype: 'f32' | 'f16';
  /** Where in the graph the first reads them. */
  readonly first: number;
  /** Products of one layer may want the same segment. */
  readonly wanted: { readonly node: GraphNode; readonly attrs: Conv2dAttrs; readonly segment: PackSegment }[];
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
    const product = productOf(node, target);
    const pack = product?.plan.pack;
    if (!product || !pack) return;
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
    group.wanted.push({ node, attrs: product.attrs, segment });
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
    wanted.forEach(({ node, attrs, segment }, i) => {
      const reading = node.with({ attrs: { ...attrs, packedAt: segment.to * size }, in: { ...node.in, packed } });
      analysis.replace(node, ...(i === 0 ? [pack] : []), reading);
    });
  }
  graph.settle();
}

/** The node as a product that can read packed filters; undefined if it is none. */
function productOf(node: GraphNode, target: Target): Product | undefined {
  if (is(node, conv2dOp)) {
    const { attrs, in: operands } = node;
    return { attrs, plan: planConv2d(problemOf(attrs, operands.x.spec.dtype, operands.bias !== undefined), 'forward', target) };
  }
  if (is(node, conv2dGradInputOp)) {
    const { attrs, in: operands } = node;
    return { attrs, plan: planConv2d(problemOf(attrs, operands.dy.spec.dtype, false), 'gradInput', target) };
  }
  if (is(node, conv2dEpilogueOps.forward) || is(node, conv2dEpilogueOps.gradInput))
    return { attrs: node.attrs, plan: planEpilogue(node.attrs, target) };
  return undefined;
}
