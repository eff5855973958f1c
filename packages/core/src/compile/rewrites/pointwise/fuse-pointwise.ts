import type { Caps } from '@initlab/kernels';
import type { GraphNode } from '../../../op/graph-node.js';
import { sizeOf } from '../../../storage/spec.js';
import type { Storage } from '../../../storage/storage.js';
import type { Graph } from '../../graph.js';
import { type ChainNode, chainNode, sameSpace } from './chain-node.js';
import { type Cluster, inOneSpace, joinCluster } from './cluster.js';
import { recompute } from './recompute.js';

/** Nodes farther apart are not joined: what lies between would have to wait, and its memory with it. */
const reach = 64;

/**
 * Chains of pointwise ops become one kernel that reads each operand once and writes only what others need. A node joins
 * the cluster that makes or reads one of its operands, when nobody needs that cluster's values earlier.
 */
export function fusePointwise(graph: Graph, { maxStorageBuffers }: Pick<Caps, 'maxStorageBuffers'>): void {
  const final = recompute(graph, findClusters(graph, maxStorageBuffers), maxStorageBuffers);
  const place = new Map<GraphNode, Cluster>();
  for (const cluster of final) for (const { node } of cluster.members) place.set(node, cluster);
  const isRead = readOutside(graph, final);
  const nodes = graph.nodes.flatMap((node, i) => {
    const cluster = place.get(node);
    if (!cluster || cluster.all.length === 1) return [node];
    if (cluster.at !== i) return [];
    return [joinCluster(cluster, isRead).node];
  });
  graph.become(nodes);
  graph.removeDead();
}

function findClusters(graph: Graph, maxBindings: number): Cluster[] {
  const { nodes, results, analysis } = graph;
  const clusterOf = new Map<GraphNode, Cluster>();
  const at = (node: GraphNode): number => clusterOf.get(node)?.at ?? analysis.position(node);

  /** The union as a cluster at position `where`, or undefined where it would break the order or need too many bindings. */
  const joined = (parts: readonly Cluster[], one: ChainNode, where: number): Cluster | undefined => {
    const sorted = [...parts.flatMap((c) => c.members), one].sort((a, b) => analysis.position(a.node) - analysis.position(b.node));
    const [first = one, ...others] = sorted;
    const members = [first, ...others] as const;
    const inside = new Set(members.map(({ node }) => node));
    const outside = (storage: Storage): GraphNode[] => analysis.readers({ storage }).filter((reader) => !inside.has(reader));
    const all = inOneSpace(members);
    if (!all) return undefined;
    const join = joinCluster({ copies: [], all }, (value) => results.has(value) || outside(value).length > 0);
    if (join.inputs.length + join.node.makes.length > maxBindings) return undefined;
    for (const { node: member } of members) {
      const [from, to] = [Math.min(at(member), where), Math.max(at(member), where)];
      if (member.reads.some((v) => analysis.overwritten(v, from, to))) return undefined;
      if (member.makes.some(({ storage }) => outside(storage).some((reader) => at(reader) < where))) return undefined;
    }
    // Moved up, its other operands must be there by then.
    const made = join.inputs.map((value) => analysis.producer(value));
    if (made.some((producer) => producer && at(producer) >= where)) return undefined;
    return { members, copies: [], all, at: where };
  };

  nodes.forEach((node, i) => {
    const one = chainNode(node);
    if (!one) return;
    const makers = node.reads.flatMap((value) => analysis.producer(value) ?? []);
    const sharers = node.reads.flatMap((value) => analysis.readers(value));
    const near = [...new Set([...makers, ...sharers].flatMap((other) => clusterOf.get(other) ?? []))].filter(
      (c) => c.at >= i - reach && sameSpace(one, c.members[0]) && (c.members.some((m) => makers.includes(m.node)) || sharesLarge(c, node)),
    );
    // One after the other, the nearest first, where this node stands or where that one does.
    near.sort((a, b) => b.at - a.at);
    let cluster: Cluster = { members: [one], copies: [], all: [one], at: i };
    const parts: Cluster[] = [];
    for (const part of near)
      for (const where of new Set([i, part.at, cluster.at])) {
        const larger = joined([...parts, part], one, where);
        if (!larger) continue;
        cluster = larger;
        parts.push(part);
        break;
      }
    for (const member of cluster.members) clusterOf.set(member.node, cluster);
  });
  return [...new Set(clusterOf.values())].sort((a, b) => a.at - b.at);
}

/** Does the cluster read one of the node's operands of full size? Then one kernel reads it once. */
function sharesLarge(cluster: Cluster, node: GraphNode): boolean {
  const size = sizeOf(node.makes[0]?.spec.shape ?? []);
  const large = new Set(node.reads.flatMap((v) => (sizeOf(v.spec.shape) === size ? [v.storage] : [])));
  return cluster.members.some((member) => member.node.reads.some((v) => large.has(v.storage)));
}

/** Whether a value must leave its cluster: someone who does not compute it again reads it, or the step returns it. */
function readOutside(graph: Graph, clusters: readonly Cluster[]): (value: Storage) => boolean {
  const needed = new Set<Storage>(graph.results);
  const inCluster = new Set<GraphNode>();
  for (const cluster of clusters) {
    const made = new Set(cluster.all.flatMap(({ node }) => node.makes.map((v) => v.storage)));
    for (const { node } of cluster.all) for (const value of node.reads) if (!made.has(value.storage)) needed.add(value.storage);
    for (const { node } of cluster.members) inCluster.add(node);
  }
  for (const node of graph.nodes) if (!inCluster.has(node)) for (const value of node.reads) needed.add(value.storage);
  return (value) => needed.has(value);
}
