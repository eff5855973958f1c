import { type PackSegment, packTable, planPackAll, type Target } from '@initlab/kernels';
import { defineOp } from '../../op/op-def.js';
import type { Conv2dAttrs } from '../../ops/conv2d.js';
import type { GraphNode, GraphValue } from '../../record/recorder.js';
import { Storage } from '../../tensor/storage.js';
import type { Graph } from '../graph.js';
import { Replacements } from './replacements.js';
import { Writes } from './pointwise/writes.js';

const packFiltersOp = defineOp<{ readonly segments: readonly PackSegment[] }>({
  name: 'packFilters',
  inputs: ['weights', 'table'],
  outputs: ['packed'],
  infer: () => {
    throw new Error('packFilters: made while compiling only');
  },
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
  readonly wanted: { readonly node: GraphNode; readonly key: string }[];
  readonly segments: Map<string, PackSegment>;
  bytes: number;
}

/**
 * Products that pack their filters first read them from one buffer instead, which a single dispatch at their beginning
 * fills from the flat parameters.
 */
export function packFilters(graph: Graph, target: Target): void {
  const writes = new Writes(graph.nodes);
  const groups: Group[] = [];
  graph.nodes.forEach((node, i) => {
    const slot = node.op.inputs.indexOf('packed?');
    const weight = node.inputs[node.op.inputs.indexOf('weight')];
    const region = weight?.storage.region;
    const whole = weight?.storage.whole.region;
    // Parameters of an optimiser lie in a flat buffer; what is computed or lies alone is packed by its product.
    if (slot < 0 || !weight || !region || !whole || whole.size === region.size || weight.spec.dtype !== 'f32') return;
    const { pack } = planOf(node, target);
    if (!pack) return;
    let group = groups.find((g) => g.dtype === pack.dtype && g.weight.storage.whole === weight.storage.whole);
    if (!group) {
      group = { weight, dtype: pack.dtype, first: i, wanted: [], segments: new Map(), bytes: 0 };
      groups.push(group);
    }
    // All are packed where the first is read, so nobody may change them between.
    if (writes.between(weight.storage, group.first - 1, i)) return;
    const key = `${region.offset} ${pack.forward} ${pack.inner} ${pack.outer}`;
    if (!group.segments.has(key)) {
      const size = pack.dtype === 'f16' ? 2 : 4;
      group.segments.set(key, { ...pack, from: (region.offset - whole.offset) / 4, to: group.bytes / size });
      group.bytes += Math.ceil((pack.packed * size) / alignment) * alignment;
    }
    group.wanted.push({ node, key });
  });
  const replacements = new Replacements();
  for (const { wanted, segments, bytes, weight, dtype } of groups) {
    if (wanted.length < 2 || bytes > target.maxStorageBinding) continue;
    const all = [...segments.values()];
    const { device } = weight.storage;
    const size = dtype === 'f16' ? 2 : 4;
    const whole = weight.storage.whole;
    const packed: GraphValue = {
      storage: Storage.virtual(device, bytes, 'packed filters'),
      spec: { shape: [bytes / size], dtype, format: 'rowMajor' },
    };
    const source: GraphValue = { storage: whole, spec: { shape: [(whole.region?.size ?? 0) / 4], dtype: 'f32', format: 'rowMajor' } };
    const table = graph.constant(device, packTable(all), 'table of filters');
    const pack: GraphNode = {
      op: packFiltersOp as GraphNode['op'],
      attrs: { segments: all },
      inputs: [source, table],
      outputs: [packed],
    };
    wanted.forEach(({ node, key }, i) => {
      const packedAt = (segments.get(key) as PackSegment).to * size;
      const slot = node.op.inputs.indexOf('packed?');
      const inputs = Array.from({ length: node.op.inputs.length }, (_, k) => (k === slot ? packed : node.inputs[k]));
      const reads = { ...node, attrs: { ...(node.attrs as Conv2dAttrs), packedAt }, inputs };
      replacements.replace(node, ...(i === 0 ? [pack] : []), reads);
    });
  }
  replacements.apply(graph);
}

const planOf = (node: GraphNode, target: Target) =>
  node.op.plan({ inputs: node.inputs.map((v) => v?.spec), outputs: node.outputs.map((v) => v.spec), attrs: node.attrs, target });
