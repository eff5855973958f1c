import type { GraphNode } from '../../record/graph-node.js';
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
    if (node.reads.some((v) => this.writes.between(v.storage, first, end))) return false;
    const made = new Set([...node.makes.slice(1).map((v) => v.storage), ...node.writes]);
    return !this.nodes.slice(first + 1, end).some((other) => other.reads.some((v) => made.has(v.storage)));
  }
}
