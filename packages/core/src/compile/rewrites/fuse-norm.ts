import { type GraphNode, is, makeNode } from '../../op/graph-node.js';
import { normTrainOp } from '../../ops/norm/norm-ops.js';
import { pointwiseOps } from '../../ops/pointwise/pointwise.js';
import { sameSpec } from '../../storage/spec.js';
import type { GraphValue } from '../../storage/storage.js';
import type { Graph } from '../graph.js';

/**
 * Norm, sum with a shortcut and ReLU in one pass: `relu(norm(x) + r)` becomes one node that writes the last value only.
 * The gradients need neither of the values between, so the backward pass stays as it is.
 */
export function fuseNorm(graph: Graph): void {
  const { analysis } = graph;
  for (const norm of graph.nodes) {
    if (!is(norm, normTrainOp) || norm.attrs.activation || norm.in.residual) continue;
    let { y } = norm.out;
    let last: GraphNode = norm;
    let residual: GraphValue | undefined;
    // Of two norms that are added the first has taken the sum.
    const sum = analysis.soleReader(y);
    const added = sum && addend(sum, y);
    if (sum && added) {
      residual = added.other;
      last = sum;
      y = added.sum;
    }
    const after = analysis.soleReader(y);
    const activated = after && activationOf(after);
    if (after && activated) {
      last = after;
      y = activated.y;
    }
    if (last === norm || !analysis.mayMove(norm, last)) continue;
    const attrs = activated ? { ...norm.attrs, activation: activated.by } : norm.attrs;
    analysis.replace(last, makeNode(normTrainOp, { attrs, in: { ...norm.in, residual }, out: { ...norm.out, y } }));
    analysis.replace(norm);
    if (sum && residual && last !== sum) analysis.replace(sum);
  }
  graph.settle();
}

/** What a node that reads `y` as it was made adds to it, element by element, in the same layout, and the sum. */
export function addend(node: GraphNode, y: GraphValue): { readonly other: GraphValue; readonly sum: GraphValue } | undefined {
  if (!is(node, pointwiseOps) || node.attrs.f.kind !== 'binary' || node.attrs.f.row !== 'add' || node.reads.length !== 2) return undefined;
  const other = node.reads.find((v) => v.storage !== y.storage);
  return other && sameSpec(other.spec, y.spec) ? { other, sum: node.out.y0 } : undefined;
}

function activationOf(node: GraphNode): { readonly by: 'relu' | 'relu6'; readonly y: GraphValue } | undefined {
  if (!is(node, pointwiseOps) || node.attrs.f.kind !== 'unary') return undefined;
  const { row } = node.attrs.f;
  return row === 'relu' || row === 'relu6' ? { by: row, y: node.out.y0 } : undefined;
}
