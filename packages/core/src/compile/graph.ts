import type { GraphNode, GraphValue } from '../recorder.js';
import type { Storage } from '../storage.js';

/** A recorded step while it is being rewritten: nodes in order of execution, and the values that must survive. */
export class Graph {
  constructor(
    public nodes: GraphNode[],
    /** Values the function returned. */
    readonly results: ReadonlySet<Storage>,
  ) {}

  /** Nodes that read each storage, in order. */
  readers(): Map<Storage, GraphNode[]> {
    const readers = new Map<Storage, GraphNode[]>();
    for (const node of this.nodes)
      for (const value of new Set(node.inputs.flatMap((v) => (v ? [v.storage] : [])))) {
        const list = readers.get(value);
        if (list) list.push(node);
        else readers.set(value, [node]);
      }
    return readers;
  }

  /** The node that writes each virtual storage. */
  producers(): Map<Storage, GraphNode> {
    const producers = new Map<Storage, GraphNode>();
    for (const node of this.nodes) for (const value of node.outputs) producers.set(value.storage, node);
    return producers;
  }

  /** Drop nodes whose outputs nobody reads and that change nothing. */
  removeDead(): void {
    const needed = new Set<Storage>(this.results);
    const kept: GraphNode[] = [];
    for (let i = this.nodes.length - 1; i >= 0; i--) {
      const node = this.nodes[i] as GraphNode;
      const writes = (node.op.mutates?.length ?? 0) > 0 || node.outputs.some((v) => !v.storage.virtual || needed.has(v.storage));
      if (!writes) continue;
      for (const value of node.inputs) if (value) needed.add(value.storage);
      kept.push(node);
    }
    this.nodes = kept.reverse();
  }
}

/** Do two values cover common bytes of one buffer? Only real storages can. */
export function overlaps(a: Storage, b: Storage): boolean {
  if (a === b) return true;
  const [x, y] = [a.region, b.region];
  return x !== undefined && y !== undefined && x.buffer === y.buffer && x.offset < y.offset + y.size && y.offset < x.offset + x.size;
}

export const sharesBuffer = (a: GraphValue | undefined, b: Storage): boolean =>
  a?.storage.region !== undefined && a.storage.region.buffer === b.region?.buffer;
