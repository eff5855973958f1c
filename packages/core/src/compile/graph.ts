import type { GraphNode, GraphValue } from '../record/graph-node.js';
import type { BufferRegion } from '../gpu/buffer-pool.js';
import type { Device } from '../gpu/device.js';
import { sameSpec } from '../tensor/spec.js';
import { Storage } from '../tensor/storage.js';

/** A recorded step while it is being rewritten: nodes in order of execution, and the values that must survive. */
export class Graph {
  /** Tables that rewrites made; they live as long as the compiled step. */
  readonly constants: Storage[] = [];

  constructor(
    public nodes: GraphNode[],
    /** Values the function returned. */
    readonly results: ReadonlySet<Storage>,
  ) {}

  /** Nodes that read each storage, in order. */
  readers(): Map<Storage, GraphNode[]> {
    const readers = new Map<Storage, GraphNode[]>();
    for (const node of this.nodes)
      for (const value of new Set(node.reads.map((v) => v.storage))) {
        const list = readers.get(value);
        if (list) list.push(node);
        else readers.set(value, [node]);
      }
    return readers;
  }

  /** The node that writes each virtual storage. */
  producers(): Map<Storage, GraphNode> {
    const producers = new Map<Storage, GraphNode>();
    for (const node of this.nodes) for (const value of node.makes) producers.set(value.storage, node);
    return producers;
  }

  /** Numbers that a kernel reads, written once. */
  constant(device: Device, values: Uint32Array<ArrayBuffer>, label: string): GraphValue {
    const storage = Storage.allocate(device, values.byteLength, label);
    device.writeRegion(storage.region as BufferRegion, new Uint8Array(values.buffer));
    this.constants.push(storage);
    return { storage, spec: { shape: [values.length], dtype: 'u32', format: 'rowMajor' } };
  }

  /** Drop nodes whose outputs nobody reads and that change nothing. */
  removeDead(): void {
    const needed = new Set<Storage>(this.results);
    const kept: GraphNode[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i] as GraphNode;
      const writes = (node.op.mutates?.length ?? 0) > 0 || node.makes.some((v) => !v.storage.virtual || needed.has(v.storage));
      if (!writes) continue;
      for (const value of node.reads) needed.add(value.storage);
      kept.push(node);
    }
    this.nodes = kept.reverse();
  }
}

/** Does a node read a value as it was made? A view has its bytes, and so its storage, but another shape. */
export const readsAsMade = (node: GraphNode, value: GraphValue): boolean =>
  node.reads.every((v) => v.storage !== value.storage || sameSpec(v.spec, value.spec));

/** Do two values cover common bytes of one buffer? Only real storages can. */
export function overlaps(a: Storage, b: Storage): boolean {
  if (a === b) return true;
  const [x, y] = [a.region, b.region];
  return x !== undefined && y !== undefined && x.buffer === y.buffer && x.offset < y.offset + y.size && y.offset < x.offset + x.size;
}

export const sharesBuffer = (a: GraphValue, b: Storage): boolean =>
  a.storage.region !== undefined && a.storage.region.buffer === b.region?.buffer;
