import type { GraphNode } from '../../../op/graph-node.js';
import { sizeOf } from '../../../storage/spec.js';
import type { Storage } from '../../../storage/storage.js';
import type { Analysis } from '../../analysis.js';
import type { Graph } from '../../graph.js';
import { type ChainNode, sameSpace } from './chain-node.js';
import { type Cluster, inOneSpace, joinCluster } from './cluster.js';

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
  for (const cluster of clusters) for (const { node } of cluster.members) now.set(node, cluster);
  for (const cluster of clusters)
    for (const one of cluster.members.toReversed())
      for (const { storage } of one.node.makes) {
        if (graph.results.has(storage)) continue;
        const own = now.get(one.node) ?? cluster;
        const others = analysis.readers({ storage }).filter((reader) => now.get(reader) !== own);
        if (others.length === 0) continue;
        const slice = sliceOf(one.node, own);
        const targets = new Set(others.map((reader) => now.get(reader)));
        const grown = slice && allGrown(targets, { slice, storage, own, analysis, maxBindings });
        for (const each of grown ?? []) for (const { node } of each.members) now.set(node, each);
      }
  return [...new Set(now.values())].sort((a, b) => a.at - b.at);
}

/** The nodes of a cluster that a node's value follows from, in order; undefined where they are too many or too dear. */
function sliceOf(node: GraphNode, { copies, members }: Cluster): readonly ChainNode[] | undefined {
  const all = [...copies, ...members];
  const producer = new Map<Storage, GraphNode>(all.flatMap(({ node: n }) => n.makes.map((v) => [v.storage, n] as const)));
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
  const slice = all.filter((n) => found.has(n.node));
  const steps = slice.flatMap(({ chain }) => chain.steps);
  const fine = steps.length <= maxSteps && steps.every(({ f }) => cheap.has(f.kind === 'unary' || f.kind === 'binary' ? f.row : f.kind));
  return fine ? slice : undefined;
}

interface Growth {
  readonly slice: readonly ChainNode[];
  readonly storage: Storage;
  readonly own: Cluster;
  readonly analysis: Analysis;
  readonly maxBindings: number;
}

/** All of them with the slice computed inside; undefined where one cannot, or a reader is in no cluster. */
function allGrown(targets: Iterable<Cluster | undefined>, growth: Growth): Cluster[] | undefined {
  const grown: Cluster[] = [];
  for (const target of targets) {
    const larger = target && grow(target, growth);
    if (!larger) return undefined;
    grown.push(larger);
  }
  return grown;
}

/** `target` with the slice computed inside, where that reads nothing large that it does not read already. */
function grow(target: Cluster, { slice, storage, own, analysis, maxBindings }: Growth): Cluster | undefined {
  const [first] = own.members;
  if (!sameSpace(first, target.members[0])) return undefined;
  const copies = [...new Set([...target.copies, ...slice])];
  const all = inOneSpace([...copies, ...target.members]);
  if (!all) return undefined;
  const before = new Set(joinCluster(target, () => true).inputs.map((v) => v.storage));
  const after = joinCluster({ copies, all }, () => true);
  if (after.inputs.length + after.node.makes.length > maxBindings) return undefined;
  const size = sizeOf(first.chain.shape);
  if (after.inputs.some((v) => sizeOf(v.spec.shape) * 16 > size && !before.has(v.storage))) return undefined;
  const late =
    analysis.overwritten({ storage }, own.at, target.at) ||
    slice.some(({ node }) => node.reads.some((v) => analysis.overwritten(v, own.at, target.at)));
  return late ? undefined : { ...target, copies, all };
}
