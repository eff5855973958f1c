import { slotName } from '../../op/op-def.js';
import type { GraphNode } from '../../record/recorder.js';
import type { Graph } from '../graph.js';
import { Writes } from './pointwise/writes.js';

/** Which nodes may run later than they stand. */
export class Waiting {
  private readonly nodes: readonly GraphNode[];
  private readonly position: ReadonlyMap<GraphNode, number>;
  private readonly writes: Writes;

  constructor({ nodes }: Graph) {
    this.nodes = nodes;
    this.position = new Map(nodes.map((node, i) => [node, i]));
    this.writes = new Writes(nodes);
  }

  /**
   * May `node` run where `until` stands? Not if what it reads is overwritten before, or something it makes or changes is
   * wanted before, beside its first output, whose readers the caller knows.
   */
  may(node: GraphNode, until: GraphNode): boolean {
    const [first, end] = [this.position.get(node) as number, this.position.get(until) as number];
    if (node.inputs.some((v) => v && this.writes.between(v.storage, first, end))) return false;
    const changed = node.inputs.filter((_, i) => node.op.mutates?.includes(slotName(node.op.inputs[i] as string)));
    const made = new Set([...node.outputs.slice(1), ...changed].map((v) => v?.storage));
    return !this.nodes.slice(first + 1, end).some((other) => other.inputs.some((v) => v && made.has(v.storage)));
  }
}
