import type { GraphNode } from '../../../op/graph-node.js';
import { sizeOf } from '../../../storage/spec.js';
import type { Storage } from '../../../storage/storage.js';
import type { Analysis } from '../../analysis.js';
import type { Graph } from '../../graph.js';
import { chainOf, type Cluster, joinCluster, sameSpace } from './cluster.js';

/** Steps worth doing twice to save a trip through memory. */
const maxSteps = 8;
/** Costly ones are not. */
const cheap = new Set([
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'relu',
  'relu6',
  'neg',
  'square',
  'abs',
  'clamp',
  'leakyRelu',
  'copy',
]);

/**
 * A value that only later clusters read, and that follows in a few cheap steps from what those read anyway, is computed
 * again there instead of being stored: the forward values a backward chain needs.
 */
export function recompute(graph: Graph, clusters: readonly Cluster[], maxBindings: number): Cluster[] {
  const { analysis } = graph;
  const now = new Map<GraphNode, Cluster>();
  for (const cluster of clusters) for (const node of cluster.members) now.set(node, cluster);
  for (const cluster of clusters)
    for (const node of [...cluster.members].reverse())
      for (const { storage } of node.makes) {
        if (graph.results.has(storage)) continue;
        const own = now.get(node) as Cluster;
        const others = analysis.readers({ storage }).filter((reader) => now.get(reader) !== own);
        if (others.length === 0) continue;
        const slice = sliceOf(node, own);
        const targets = new Set(others.map((reader) => now.get(reader)));
        const grown = [...targets].map((target) => target && grow(target, { slice, storage, own, analysis, maxBindings }));
        if (slice === undefined || grown.some((cluster) => cluster === undefined)) continue;
        for (const cluster of grown as Cluster[]) for (const member of cluster.members) now.set(member, cluster);
      }
  return [...new Set(now.values())].sort((a, b) => a.at - b.at);
}

/** The nodes of a cluster that a node's value follows from, in order; undefined where they are too many or too dear. */
function sliceOf(node: GraphNode, cluster: Cluster): readonly GraphNode[] | undefined {
  const all = [...cluster.copies, ...cluster.members];
  const producer = new Map<Storage, GraphNode>(all.flatMap((n) => n.makes.map((v) => [v.storage, n] as const)));
  const found = new Set<GraphNode>();
  const visit = (n: GraphNode): void => {
    if (found.has(n)) return;
    found.add(n);
    for (const value of n.reads) {
      const before = producer.get(value.storage);
      if (before) visit(before);
    }
  };
  visit(node);
  const slice = all.filter((n) => found.has(n));
  const steps = slice.flatMap((n) => chainOf(n)?.steps ?? []);
  const fine = steps.length <= maxSteps && steps.every(({ f }) => cheap.has(f.kind === 'unary' || f.kind === 'binary' ? f.row : f.kind));
  return fine ? slice : undefined;
}

interface Growth {
  readonly slice: readonly GraphNode[] | undefined;
  readonly storage: Storage;
  readonly own: Cluster;
  readonly analysis: Analysis;
  readonly maxBindings: number;
}

/** `target` with the slice computed inside, where that reads nothing large that it does not read already. */
function grow(target: Cluster, { slice, storage, own, analysis, maxBindings }: Growth): Cluster | undefined {
  if (!slice) return undefined;
  const first = own.members[0] as GraphNode;
  if (!sameSpace(first, target.members[0] as GraphNode)) return undefined;
  const copies = [...new Set([...target.copies, ...slice])];
  const before = new Set(joinCluster(target, () => true)?.inputs.map((v) => v.storage));
  const after = joinCluster({ members: target.members, copies }, () => true);
  if (!after || after.inputs.length + after.node.makes.length > maxBindings) return undefined;
  const size = sizeOf(chainOf(first)?.shape ?? []);
  if (after.inputs.some((v) => sizeOf(v.spec.shape) * 16 > size && !before.has(v.storage))) return undefined;
  const late =
    analysis.overwritten({ storage }, own.at, target.at) ||
    slice.some((n) => n.reads.some((v) => analysis.overwritten(v, own.at, target.at)));
  return late ? undefined : { members: target.members, copies, at: target.at };
}
