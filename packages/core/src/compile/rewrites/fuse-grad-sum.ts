import { normGradJoinedOp } from '../../ops/norm-joined.js';
import { isTrainingGrad } from '../../ops/norm-ops.js';
import type { GraphNode, GraphValue } from '../../recorder.js';
import type { Graph } from '../graph.js';
import { addend } from './fuse-norm.js';
import { Writes } from './pointwise/writes.js';

/**
 * The sum of a norm's input gradient and another gradient of the same value (of a shortcut, of what a gate lets past the
 * norm) is taken in the norm's kernel.
 */
export function fuseGradSum(graph: Graph): void {
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const readers = graph.readers();
  const writes = new Writes(graph.nodes);
  const replaced = new Map<GraphNode, GraphNode>();
  const dropped = new Set<GraphNode>();
  for (const norm of graph.nodes) {
    const at = addendSlot(norm);
    const dx = norm.outputs[0];
    if (at === undefined || !dx || graph.results.has(dx.storage)) continue;
    const [sum, another] = readers.get(dx.storage) ?? [];
    // Of two norms' gradients that are added the first has taken the sum.
    if (!sum || another || replaced.has(sum)) continue;
    const other = addend(sum, dx);
    if (!other) continue;
    // The norm's gradients wait until the other is there: nobody may want them, or change what they are made of, before.
    const [first, end] = [position.get(norm) as number, position.get(sum) as number];
    if (norm.inputs.some((v) => v && writes.between(v.storage, first, end))) continue;
    const needed = new Set(norm.outputs.slice(1).map((v) => v.storage));
    if (graph.nodes.slice(first + 1, end).some((node) => node.inputs.some((v) => v && needed.has(v.storage)))) continue;
    const inputs: (GraphValue | undefined)[] = Array.from({ length: at }, (_, i) => norm.inputs[i]);
    replaced.set(sum, { ...norm, inputs: [...inputs, other], outputs: [sum.outputs[0] as GraphValue, ...norm.outputs.slice(1)] });
    dropped.add(norm);
  }
  graph.nodes = graph.nodes.filter((node) => !dropped.has(node)).map((node) => replaced.get(node) ?? node);
}

/** Where a node takes the addend, if it is a norm's gradient without one. */
function addendSlot({ op, inputs }: GraphNode): number | undefined {
  if (!isTrainingGrad(op) && (op as object) !== normGradJoinedOp) return undefined;
  const at = op.inputs.indexOf('addend?');
  return inputs[at] ? undefined : at;
}
