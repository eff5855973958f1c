import { type GraphNode, is, makeNode } from '../../op/graph-node.js';
import { normGradOp } from '../../ops/norm/norm-ops.js';
import type { GraphValue } from '../../record/graph-value.js';
import { normGradJoinedOp } from '../fused/norm-joined.js';
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
  if (is(node, normGradJoinedOp) && !node.in.addend)
    return (addend, dx) => makeNode(node.op, { attrs: node.attrs, in: { ...node.in, addend }, out: { ...node.out, dx } });
  if (is(node, normGradOp) && !node.attrs.fixed && !node.attrs.residual && !node.in.addend)
    return (addend, dx) => makeNode(node.op, { attrs: node.attrs, in: { ...node.in, addend }, out: { ...node.out, dx } });
  return undefined;
}
