import { normGradJoinedOp } from '../../ops/norm-joined.js';
import { normGradOp } from '../../ops/norm-ops.js';
import { type GraphNode, type GraphValue, is, makeNode } from '../../record/graph-node.js';
import { type Graph, readsAsMade } from '../graph.js';
import { addend } from './fuse-norm.js';
import { Replacements } from './replacements.js';
import { Waiting } from './waiting.js';

/**
 * The sum of a norm's input gradient and another gradient of the same value (of a shortcut, of what a gate lets past the
 * norm) is taken in the norm's kernel.
 */
export function fuseGradSum(graph: Graph): void {
  const readers = graph.readers();
  const waiting = new Waiting(graph);
  const replacements = new Replacements();
  for (const norm of graph.nodes) {
    const takes = withAddend(norm);
    const { dx } = norm.out;
    if (!takes || !dx || graph.results.has(dx.storage)) continue;
    const [sum, another] = readers.get(dx.storage) ?? [];
    // Of two norms' gradients that are added the first has taken the sum.
    if (!sum || another || replacements.has(sum) || !readsAsMade(sum, dx)) continue;
    const added = addend(sum, dx);
    if (!added || !waiting.may(norm, sum)) continue;
    replacements.replace(sum, takes(added.other, added.sum));
    replacements.replace(norm);
  }
  replacements.apply(graph);
}

/** The node with an addend, and with `dx` for its sum, if it is a norm's gradient without one. */
function withAddend(node: GraphNode): ((addend: GraphValue, dx: GraphValue) => GraphNode) | undefined {
  if (is(node, normGradJoinedOp) && !node.in.addend)
    return (addend, dx) => makeNode(node.op, { attrs: node.attrs, in: { ...node.in, addend }, out: { ...node.out, dx } });
  if (is(node, normGradOp) && !node.attrs.fixed && !node.attrs.residual && !node.in.addend)
    return (addend, dx) => makeNode(node.op, { attrs: node.attrs, in: { ...node.in, addend }, out: { ...node.out, dx } });
  return undefined;
}
