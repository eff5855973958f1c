import { is } from '../../op/graph-node.js';
import { assignOp } from '../../ops/pointwise/assign.js';
import type { Graph } from '../graph.js';
import { sharesBuffer } from '../sharing.js';

/**
 * A value computed only to be copied into a parameter's gradient (or other state) is computed there directly:
 * `t = op(…); dst = t` becomes `dst = op(…)`.
 */
export function writeThrough(graph: Graph): void {
  const { analysis } = graph;
  for (const copy of graph.nodes) {
    if (!is(copy, assignOp) || copy.attrs.mode !== 'copy') continue;
    const { dst, src } = copy.in;
    if (!src.storage.virtual || dst.storage.virtual || graph.results.has(src.storage)) continue;
    const producer = analysis.producer(src);
    if (!producer || analysis.readers(src).length !== 1 || src.spec.format !== dst.spec.format) continue;
    const current = analysis.current(producer);
    // One buffer cannot be read and written in one dispatch, even at disjoint ranges.
    if (current.reads.some(({ storage }) => sharesBuffer(storage, dst.storage))) continue;
    const first = analysis.position(producer);
    if (analysis.touched(dst.storage, first, analysis.position(copy))) continue;
    analysis.willTouch(dst.storage, first);
    analysis.replace(
      producer,
      current.map((v) => (v.storage === src.storage ? { ...v, storage: dst.storage } : v)),
    );
    analysis.replace(copy);
  }
  graph.settle();
}
