import type { NormAttrs } from '../../ops/norm-chain.js';
import { normTrainOp } from '../../ops/norm-ops.js';
import type { PointwiseAttrs } from '../../ops/pointwise.js';
import type { GraphNode, GraphValue } from '../../record/recorder.js';
import { sameSpec } from '../../tensor/spec.js';
import { type Graph, readsAsMade } from '../graph.js';
import { Replacements } from './replacements.js';
import { Waiting } from './waiting.js';

/**
 * Norm, sum with a shortcut and ReLU in one pass: `relu(norm(x) + r)` becomes one node that writes the last value only.
 * The gradients need neither of the values between, so the backward pass stays as it is.
 */
export function fuseNorm(graph: Graph): void {
  const readers = graph.readers();
  const waiting = new Waiting(graph);
  const replacements = new Replacements();
  for (const norm of graph.nodes) {
    if ((norm.op as object) !== normTrainOp) continue;
    const attrs = norm.attrs as NormAttrs;
    let y = norm.outputs[0] as GraphValue;
    if (attrs.activation || norm.inputs[3]) continue;
    /** The only reader of the value so far, if nobody else needs it. */
    const next = (): GraphNode | undefined => {
      const [only, another] = readers.get(y.storage) ?? [];
      if (!only || another || graph.results.has(y.storage) || !readsAsMade(only, y)) return undefined;
      // Of two norms that are added the first has taken the sum.
      return replacements.has(only) ? undefined : only;
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
    if (!waiting.may(norm, last)) continue;
    const [x, weight, bias, , ...running] = norm.inputs;
    replacements.replace(last, {
      op: norm.op,
      attrs: { ...attrs, ...(activation ? { activation } : {}) },
      inputs: [x, weight, bias, residual, ...running],
      outputs: [y, ...norm.outputs.slice(1)],
    });
    replacements.replace(norm);
    if (residual && sum && last !== sum) replacements.replace(sum);
  }
  replacements.apply(graph);
}

/** What a node that reads `y` as it was made adds to it, element by element, in the same layout. */
export function addend(node: GraphNode, y: GraphValue): GraphValue | undefined {
  if (node.op.name !== 'add' || node.inputs.filter((v) => v !== undefined).length !== 2) return undefined;
  const other = node.inputs.find((v) => v && v.storage !== y.storage);
  return other && sameSpec(other.spec, y.spec) ? other : undefined;
}

const activationOf = ({ op, attrs }: GraphNode): 'relu' | 'relu6' | undefined => {
  const f = (attrs as Partial<PointwiseAttrs> | undefined)?.f;
  return op.pointwise && f?.kind === 'unary' && (f.row === 'relu' || f.row === 'relu6') ? f.row : undefined;
};
