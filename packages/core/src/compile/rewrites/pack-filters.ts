import { type Conv2dPlan, dtypeBytes, type PackSegment, packTable, planConv2d, planPackAll, type Target } from '@initlab/kernels';
import { type GraphNode, is, makeNode } from '../../op/graph-node.js';
import { defineOp } from '../../op/op-def.js';
import { type Conv2dAttrs, conv2dGradInputOp, conv2dOp, problemOf } from '../../ops/product/conv2d.js';
import type { GraphValue } from '../../record/graph-value.js';
import { Storage } from '../../storage/storage.js';
import { conv2dEpilogueOps, planEpilogue } from '../fused/conv2d-epilogue.js';
import { madeHere } from '../fused/made-here.js';
import type { Graph } from '../graph.js';

const packFiltersOp = defineOp<{ readonly segments: readonly PackSegment[] }>()({
  name: 'packFilters',
  inputs: ['weights', 'table'],
  outputs: ['packed'],
  infer: madeHere,
  plan: ({ attrs, target }) => planPackAll(attrs.segments, target),
});

/** Bindings begin at multiples of this. */
const alignment = 256;

interface Packing {
  readonly weight: GraphValue;
  /** How it is computed while it packs them itself. */
  readonly plan: (target: Target) => Conv2dPlan;
  /** The same product, reading its filters in `packed` from byte `packedAt` on. */
  readonly reading: (packed: GraphValue, packedAt: number) => GraphNode;
}

/** Products whose filters come from one flat buffer, in one type. */
interface Group {
  readonly weight: GraphValue;
  readonly dtype: 'f32' | 'f16';
  /** Where in the graph the first reads them. */
  readonly first: number;
  /** Products of one layer may want the same segment. */
  readonly wanted: { readonly node: GraphNode; readonly segment: PackSegment; readonly reading: Packing['reading'] }[];
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
    const product = packing(node);
    const weight = product?.weight;
    const region = weight?.storage.region;
    const whole = weight?.storage.whole.region;
    // Parameters of an optimiser lie in a flat buffer; what is computed or lies alone is packed by its product.
    if (!product || !weight || !region || !whole || whole.size === region.size || weight.spec.dtype !== 'f32') return;
    const { pack } = product.plan(target);
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
    group.wanted.push({ node, segment, reading: product.reading });
  });
  for (const { wanted, segments, bytes, weight, dtype } of groups) {
    if (wanted.length < 2 || bytes > target.maxStorageBinding) continue;
    const all = [...segments.values()];
    const { device } = weight.storage;
    const size = dtypeBytes[dtype];
    const whole = weight.storage.whole;
    const packed: GraphValue = {
      storage: Storage.virtual(device, bytes, 'packed filters'),
      spec: { shape: [bytes / size], dtype, format: 'rowMajor' },
    };
    const source: GraphValue = { storage: whole, spec: { shape: [(whole.region?.size ?? 0) / 4], dtype: 'f32', format: 'rowMajor' } };
    const table = graph.constant(device, packTable(all), 'table of filters');
    const pack = makeNode(packFiltersOp, { attrs: { segments: all }, in: { weights: source, table }, out: { packed } });
    wanted.forEach(({ node, segment, reading }, i) => {
      analysis.replace(node, ...(i === 0 ? [pack] : []), reading(packed, segment.to * size));
    });
  }
  graph.settle();
}

type Product = GraphNode & { readonly attrs: Conv2dAttrs; readonly in: { readonly weight: GraphValue } };

const packingProduct = (node: Product, plan: Packing['plan']): Packing => ({
  weight: node.in.weight,
  plan,
  reading: (packed, packedAt) => node.with({ attrs: { ...node.attrs, packedAt }, in: { ...node.in, packed } }),
});

/** The node as a product that can read packed filters. */
function packing(node: GraphNode): Packing | undefined {
  if (is(node, conv2dOp)) {
    const { x, bias } = node.in;
    return packingProduct(node, (target) => planConv2d(problemOf(node.attrs, x.spec.dtype, bias !== undefined), 'forward', target));
  }
  if (is(node, conv2dGradInputOp))
    return packingProduct(node, (target) => planConv2d(problemOf(node.attrs, node.in.dy.spec.dtype, false), 'gradInput', target));
  if (is(node, conv2dEpilogueOps.forward) || is(node, conv2dEpilogueOps.gradInput))
    return packingProduct(node, (target) => planEpilogue(node.attrs, target));
  return undefined;
}
