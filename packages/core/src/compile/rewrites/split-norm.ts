import type { Caps } from '@initlab/kernels';
import { type GraphNode, is, makeNode } from '../../op/graph-node.js';
import { normFixedOp, normTrainOp } from '../../ops/norm/norm-ops.js';
import { sizeOf } from '../../storage/spec.js';
import type { GraphValue } from '../../storage/storage.js';
import { normStatsOp } from '../fused/norm.js';
import type { Graph } from '../graph.js';

/**
 * A norm that only pointwise ops read is taken apart into its statistics and a pointwise rest, which then becomes part of
 * their kernel: the normalised values are never stored. Run before chains are fused, after the norms' own fusions.
 */
export function splitNorm(graph: Graph, { software }: Pick<Caps, 'software'>): void {
  const { analysis } = graph;
  for (const norm of graph.nodes) {
    if (!is(norm, normTrainOp)) continue;
    const { attrs } = norm;
    const { y, mean, rstd } = norm.out;
    const { x, weight, bias, residual, runningMean, runningVar } = norm.in;
    const all = analysis.readers(y);
    // Groups that cut a vector of four channels make the chain's kernel scalar: dearer on a CPU than the memory it saves.
    const width = (x.spec.shape[1] ?? 1) / attrs.groups;
    if (software && width !== 1 && width % 4 !== 0) continue;
    if (all.length === 0 || graph.results.has(y.storage) || !all.every((reader) => readsWhole(reader, y))) continue;
    analysis.replace(
      norm,
      makeNode(normStatsOp, { attrs, in: { x, runningMean, runningVar }, out: { mean, rstd } }),
      makeNode(normFixedOp, { attrs, in: { x, mean, rstd, weight, bias, residual }, out: { y } }),
    );
  }
  graph.settle();
}

/** A pointwise op over as many elements as the norm's: it reads them in place, or joining the two fails later. */
const readsWhole = (reader: GraphNode, y: GraphValue): boolean => {
  const chain = reader.op.pointwise?.(reader.specs);
  return chain !== undefined && sizeOf(chain.shape) === sizeOf(y.spec.shape);
};
