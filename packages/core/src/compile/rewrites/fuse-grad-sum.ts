import { normGradJoinedOp } from '../../ops/norm-joined.js';
import { isTrainingGrad } from '../../ops/norm-ops.js';
import type { GraphNode, GraphValue } from '../../record/recorder.js';
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
    const at = addendSlot(norm);
    const dx = norm.outputs[0];
    if (at === undefined || !dx || graph.results.has(dx.storage)) continue;
    const [sum, another] = readers.get(dx.storage) ?? [];
    // Of two norms' gradients that are added the first has taken the sum.
    if (!sum || another || replacements.has(sum) || !readsAsMade(sum, dx)) continue;
    const other = addend(sum, dx);
    if (!other || !waiting.may(norm, sum)) continue;
    const inputs: (GraphValue | undefined)[] = Array.from({ length: at }, (_, i) => norm.inputs[i]);
    replacements.replace(sum, { ...norm, inputs: [...inputs, other], outputs: [sum.outputs[0] as GraphValue, ...norm.outputs.slice(1)] });
    replacements.replace(norm);
  }
  replacements.apply(graph);
}

/** Where a node takes the addend, if it is a norm's gradient without one. */
function addendSlot({ op, inputs }: GraphNode): number | undefined {
  if (!isTrainingGrad(op) && (op as object) !== normGradJoinedOp) return undefined;
  const at = op.inputs.indexOf('addend?');
  return inputs[at] ? undefined : at;
}
