import type { Caps } from '@initlab/kernels';
import type { NormAttrs } from '../../ops/norm-chain.js';
import { normFixedOp, normTrainOp } from '../../ops/norm-ops.js';
import { normStatsOp } from '../../ops/norm-split.js';
import type { GraphNode, GraphValue } from '../../record/recorder.js';
import type { Graph } from '../graph.js';

/**
 * A norm that only pointwise ops read is taken apart into its statistics and a pointwise rest, which then becomes part of
 * their kernel: the normalised values are never stored. Run before chains are fused, after the norms' own fusions.
 */
export function splitNorm(graph: Graph, { software }: Pick<Caps, 'software'>): void {
  const readers = graph.readers();
  graph.nodes = graph.nodes.flatMap((norm) => {
    if ((norm.op as object) !== normTrainOp) return [norm];
    const attrs = norm.attrs as NormAttrs;
    const [y, mean, rstd] = norm.outputs as [GraphValue, GraphValue, GraphValue];
    const [x, weight, bias, residual, ...running] = norm.inputs;
    const all = readers.get(y.storage) ?? [];
    // Groups that cut a vector of four channels make the chain's kernel scalar: dearer on a CPU than the memory it saves.
    const width = (x?.spec.shape[1] ?? 1) / attrs.groups;
    if (software && width !== 1 && width % 4 !== 0) return [norm];
    if (all.length === 0 || graph.results.has(y.storage) || !all.every((reader) => readsWhole(reader, y))) return [norm];
    return [
      { op: normStatsOp as GraphNode['op'], attrs, inputs: [x, ...running], outputs: [mean, rstd] },
      { op: normFixedOp as GraphNode['op'], attrs, inputs: [x, mean, rstd, weight, bias, residual], outputs: [y] },
    ];
  });
}

/** A pointwise op over as many elements as the norm's: it reads them in place, or joining the two fails later. */
const readsWhole = (reader: GraphNode, y: GraphValue): boolean => {
  const chain = reader.op.pointwise?.({
    inputs: reader.inputs.map((v) => v?.spec),
    outputs: reader.outputs.map((v) => v.spec),
    attrs: reader.attrs,
  });
  const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
  return chain !== undefined && count(chain.shape) === count(y.spec.shape);
};
