import type { Device } from '../gpu/device.js';
import type { GraphNode } from '../op/graph-node.js';
import { bytesOf, rowMajor, type TensorSpec } from '../storage/spec.js';
import { type GraphValue, Storage } from '../storage/storage.js';
import { Analysis } from './analysis.js';

/** All that a flat buffer of f32 holds. */
export const flatValue = (whole: Storage): GraphValue => ({ storage: whole, spec: rowMajor([(whole.region?.size ?? 0) / 4]) });

/** A value that a rewrite brings into a step: its memory is planned as that of the others. */
export const newValue = (device: Device, spec: TensorSpec, label: string): GraphValue => ({
  storage: Storage.virtual(device, bytesOf(spec), label),
  spec,
});

/** A recorded step while it is being rewritten: nodes in order of execution, and the values that must survive. */
export class Graph {
  /** Tables that rewrites made; they live as long as the compiled step. */
  readonly constants: Storage[] = [];
  private known: Analysis | undefined;

  constructor(
    public nodes: GraphNode[],
    /** Values the function returned. */
    readonly results: ReadonlySet<Storage>,
  ) {}

  /** What there is to know about the nodes as they stand. */
  get analysis(): Analysis {
    this.known ??= new Analysis(this.nodes, this.results);
    return this.known;
  }

  /** Puts what a rewrite made in its places. */
  settle(): void {
    const settled = this.known?.settled();
    if (settled) this.become(settled);
  }

  /** Other nodes, about which nothing is known yet. */
  become(nodes: GraphNode[]): void {
    this.nodes = nodes;
    this.known = undefined;
  }

  /** Numbers that a kernel reads, written once. */
  constant(device: Device, values: Uint32Array<ArrayBuffer>, label: string): GraphValue {
    const storage = Storage.allocate(device, values.byteLength, label);
    device.writeRegion(storage.place, new Uint8Array(values.buffer));
    this.constants.push(storage);
    return { storage, spec: rowMajor([values.length], 'u32') };
  }

  /** Drop nodes whose outputs nobody reads and that change nothing. */
  removeDead(): void {
    const needed = new Set<Storage>(this.results);
    const kept: GraphNode[] = [];
    for (const node of this.nodes.toReversed()) {
      const writes = (node.op.mutates?.length ?? 0) > 0 || node.makes.some((v) => !v.storage.virtual || needed.has(v.storage));
      if (!writes) continue;
      for (const value of node.reads) needed.add(value.storage);
      kept.push(node);
    }
    if (kept.length < this.nodes.length) this.become(kept.reverse());
  }
}
