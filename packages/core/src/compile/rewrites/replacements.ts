import type { GraphNode } from '../../record/graph-node.js';
import type { Graph } from '../graph.js';

/** What a rewrite puts in the places of nodes. Nothing moves until `apply`, so positions and readers hold meanwhile. */
export class Replacements {
  private readonly byNode = new Map<GraphNode, readonly GraphNode[]>();

  /** Others stand where `node` stood; with none it is dropped. */
  replace(node: GraphNode, ...others: readonly GraphNode[]): void {
    this.byNode.set(node, others);
  }

  /** Is the node replaced or dropped already? */
  has(node: GraphNode): boolean {
    return this.byNode.has(node);
  }

  /** What stands for the node so far: itself, where it is not replaced. */
  current(node: GraphNode): GraphNode {
    return this.byNode.get(node)?.[0] ?? node;
  }

  apply(graph: Graph): void {
    graph.nodes = graph.nodes.flatMap((node) => this.byNode.get(node) ?? [node]);
  }
}
