import { assignOp } from '../../ops/assign.js';
import { is } from '../../record/graph-node.js';
import { type Graph, sharesBuffer } from '../graph.js';
import { Replacements } from './replacements.js';
import { Touches } from '../touches.js';

/**
 * A value computed only to be copied into a parameter's gradient (or other state) is computed there directly:
 * `t = op(…); dst = t` becomes `dst = op(…)`.
 */
export function writeThrough(graph: Graph): void {
  const readers = graph.readers();
  const producers = graph.producers();
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const touches = new Touches();
  graph.nodes.forEach((node, i) => {
    for (const value of [...node.reads, ...node.makes]) touches.note(value.storage, i);
  });
  const replacements = new Replacements();
  for (const copy of graph.nodes) {
    if (!is(copy, assignOp) || copy.attrs.mode !== 'copy') continue;
    const { dst, src } = copy.in;
    if (!src.storage.virtual || dst.storage.virtual || graph.results.has(src.storage)) continue;
    const producer = producers.get(src.storage);
    if (!producer || readers.get(src.storage)?.length !== 1 || src.spec.format !== dst.spec.format) continue;
    const current = replacements.current(producer);
    // One buffer cannot be read and written in one dispatch, even at disjoint ranges.
    if (current.reads.some((value) => sharesBuffer(value, dst.storage))) continue;
    const first = position.get(producer) as number;
    if (touches.between(dst.storage, first, position.get(copy) as number)) continue;
    touches.note(dst.storage, first);
    replacements.replace(
      producer,
      current.map((v) => (v.storage === src.storage ? { ...v, storage: dst.storage } : v)),
    );
    replacements.replace(copy);
  }
  replacements.apply(graph);
}
