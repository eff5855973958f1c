import type { NormAttrs } from '../../ops/norm-chain.js';
import { normTrainOp } from '../../ops/norm-ops.js';
import type { PointwiseAttrs } from '../../ops/pointwise.js';
import type { GraphNode, GraphValue } from '../../recorder.js';
import { sameShape } from '../../spec.js';
import type { Graph } from '../graph.js';
import { Writes } from './pointwise/writes.js';

/**
 * Norm, sum with a shortcut and ReLU in one pass: `relu(norm(x) + r)` becomes one node that writes the last value only.
 * The gradients need neither of the values between, so the backward pass stays as it is.
 */
export function fuseNorm(graph: Graph): void {
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const readers = graph.readers();
  const writes = new Writes(graph.nodes);
  const replaced = new Map<GraphNode, GraphNode>();
  const dropped = new Set<GraphNode>();
  for (const norm of graph.nodes) {
    if ((norm.op as object) !== normTrainOp) continue;
    const attrs = norm.attrs as NormAttrs;
    let y = norm.outputs[0] as GraphValue;
    if (attrs.activation || norm.inputs[3]) continue;
    /** The only reader of the value so far, if nobody else needs it. */
    const next = (): GraphNode | undefined => {
      const [only, another] = readers.get(y.storage) ?? [];
      if (!only || another || graph.results.has(y.storage)) return undefined;
      // Of two norms that are added the first has taken the sum.
      return dropped.has(only) || replaced.has(only) ? undefined : only;
    };
    let last = norm;
    let residual: GraphValue | undefined;
    const sum = next();
    const other = sum && addend(sum, y);
    if (sum && other) {
      residual = other;
      last = sum;
      y = sum.outputs[0] as GraphValue;
    }
    const after = next();
    const activation = after && activationOf(after);
    if (after && activation) {
      last = after;
      y = after.outputs[0] as GraphValue;
    }
    if (last === norm) continue;
    const [first, end] = [position.get(norm) as number, position.get(last) as number];
    if (norm.inputs.slice(0, 3).some((v) => v && writes.between(v.storage, first, end))) continue;
    const between = graph.nodes.slice(first + 1, end);
    // The statistics would come later than someone wants them.
    const needed = new Set([...norm.outputs.slice(1), ...norm.inputs.slice(4)].map((v) => v?.storage));
    if (between.some((node) => node.inputs.some((v) => v && needed.has(v.storage)))) continue;
    const [x, weight, bias, , ...running] = norm.inputs;
    replaced.set(last, {
      op: norm.op,
      attrs: { ...attrs, ...(activation ? { activation } : {}) },
      inputs: [x, weight, bias, residual, ...running],
      outputs: [y, ...norm.outputs.slice(1)],
    });
    dropped.add(norm);
    if (residual && sum && last !== sum) dropped.add(sum);
  }
  graph.nodes = graph.nodes.filter((node) => !dropped.has(node)).map((node) => replaced.get(node) ?? node);
}

/** What a node adds to `y`, element by element, in the same layout. */
export function addend(node: GraphNode, y: GraphValue): GraphValue | undefined {
  if (node.op.name !== 'add' || node.inputs.filter((v) => v !== undefined).length !== 2) return undefined;
  const other = node.inputs.find((v) => v && v.storage !== y.storage);
  const same =
    other && sameShape(other.spec.shape, y.spec.shape) && other.spec.format === y.spec.format && other.spec.dtype === y.spec.dtype;
  return same ? other : undefined;
}

const activationOf = ({ op, attrs }: GraphNode): 'relu' | 'relu6' | undefined => {
  const f = (attrs as Partial<PointwiseAttrs> | undefined)?.f;
  return op.pointwise && f?.kind === 'unary' && (f.row === 'relu' || f.row === 'relu6') ? f.row : undefined;
};
