import { type GraphNode, is } from '../../op/graph-node.js';
import { normGradOp } from '../../ops/norm/norm-ops.js';
import type { GraphValue } from '../../storage/storage.js';
import { normGradJoinedOp } from '../fused/norm.js';
import type { Graph } from '../graph.js';
import { addend } from './fuse-norm.js';

/**
 * The sum of a norm's input gradient and another gradient of the same value (of a shortcut, of what a gate lets past the
 * norm) is taken in the norm's kernel.
 */
export function fuseGradSum(graph: Graph): void {
  const { analysis } = graph;
  for (const norm of graph.nodes) {
    const takes = withAddend(norm);
    const { dx } = norm.out;
    // Of two norms' gradients that are added the first has taken the sum.
    const sum = dx && analysis.soleReader(dx);
    const added = sum && addend(sum, dx);
    if (!takes || !added || !analysis.mayMove(norm, sum)) continue;
    analysis.replace(sum, takes(added.other, added.sum));
    analysis.replace(norm);
  }
  graph.settle();
}

/** The node with an addend, and with `dx` for its sum, if it is a norm's gradient without one. */
function withAddend(node: GraphNode): ((addend: GraphValue, dx: GraphValue) => GraphNode) | undefined {
  const takes = is(node, normGradJoinedOp) || (is(node, normGradOp) && !node.attrs.fixed && !node.attrs.residual);
  if (!takes || node.in.addend) return undefined;
  return (addend, dx) => node.with({ in: { ...node.in, addend }, out: { ...node.out, dx } });
}
