import type { GraphNode } from '../../../recorder.js';
import type { Storage } from '../../../storage.js';
import type { Graph } from '../../graph.js';
import { chainOf, type Cluster, type JoinedCluster, joinCluster, sameSpace } from './cluster.js';
import { recompute } from './recompute.js';
import { Writes } from './writes.js';

/** Bindings of a fused kernel at most; every adapter has 8 storage buffers a stage, those we train on 10 or more. */
export const maxBindings = 10;
/** Nodes farther apart are not joined: what lies between would have to wait, and its memory with it. */
const reach = 64;

/**
 * Chains of pointwise ops become one kernel that reads each operand once and writes only what others need. A node joins
 * the cluster that makes one of its operands when nobody needs that cluster's values earlier.
 */
export function fusePointwise(graph: Graph): void {
  const clusters = findClusters(graph);
  const final = recompute(graph, clusters);
  const place = new Map<GraphNode, Cluster>();
  for (const cluster of final) for (const node of cluster.members) place.set(node, cluster);
  const isRead = readOutside(graph, final);
  graph.nodes = graph.nodes.flatMap((node, i) => {
    const cluster = place.get(node);
    if (!cluster || cluster.members.length + cluster.copies.length === 1) return [node];
    if (cluster.at !== i) return [];
    return [(joinCluster(cluster, isRead) as JoinedCluster).node];
  });
  graph.removeDead();
}

function findClusters(graph: Graph): Cluster[] {
  const { nodes, results } = graph;
  const readers = graph.readers();
  const producers = graph.producers();
  const position = new Map(nodes.map((node, i) => [node, i]));
  const writes = new Writes(nodes);
  const clusterOf = new Map<GraphNode, Cluster>();
  const at = (node: GraphNode): number => clusterOf.get(node)?.at ?? (position.get(node) as number);

  /** The union as a cluster at position `where`, or undefined where it would break the order or need too many bindings. */
  const joined = (parts: readonly Cluster[], node: GraphNode, where: number): Cluster | undefined => {
    const members = [...parts.flatMap((c) => c.members), node].sort((a, b) => (position.get(a) as number) - (position.get(b) as number));
    const inside = new Set(members);
    const outside = (value: Storage): GraphNode[] => (readers.get(value) ?? []).filter((reader) => !inside.has(reader));
    const join = joinCluster({ members, copies: [] }, (value) => results.has(value) || outside(value).length > 0);
    if (!join || join.inputs.length + join.node.outputs.length > maxBindings) return undefined;
    for (const member of members) {
      const moved = [at(member), where].sort((a, b) => a - b) as [number, number];
      if (member.inputs.some((v) => v && writes.between(v.storage, ...moved))) return undefined;
      if (member.outputs.some(({ storage }) => outside(storage).some((reader) => at(reader) < where))) return undefined;
    }
    // Moved up, its other operands must be there by then.
    const made = join.inputs.map(({ storage }) => producers.get(storage));
    if (made.some((producer) => producer && at(producer) >= where)) return undefined;
    return { members, copies: [], at: where };
  };

  nodes.forEach((node, i) => {
    if (!chainOf(node)) return;
    const before = node.inputs.flatMap((value) => clusterOf.get(producers.get(value?.storage as Storage) as GraphNode) ?? []);
    const near = [...new Set(before)].filter((c) => c.at >= i - reach && sameSpace(node, c.members[0] as GraphNode));
    // All at once where this node stands; else with the nearest, here or where that one stands.
    near.sort((a, b) => b.at - a.at);
    const attempts = [
      ...(near.length > 1 ? [{ parts: near, where: i }] : []),
      ...near.flatMap((c) => [i, c.at].map((where) => ({ parts: [c], where }))),
    ];
    let cluster: Cluster | undefined;
    for (const { parts, where } of attempts) {
      cluster = joined(parts, node, where);
      if (cluster) break;
    }
    cluster ??= { members: [node], copies: [], at: i };
    for (const member of cluster.members) clusterOf.set(member, cluster);
  });
  return [...new Set(clusterOf.values())].sort((a, b) => a.at - b.at);
}

/** Whether a value must leave its cluster: someone who does not compute it again reads it, or the step returns it. */
function readOutside(graph: Graph, clusters: readonly Cluster[]): (value: Storage) => boolean {
  const needed = new Set<Storage>(graph.results);
  const inCluster = new Set<GraphNode>();
  for (const cluster of clusters) {
    const made = new Set([...cluster.copies, ...cluster.members].flatMap((node) => node.outputs.map((v) => v.storage)));
    for (const node of [...cluster.copies, ...cluster.members])
      for (const value of node.inputs) if (value && !made.has(value.storage)) needed.add(value.storage);
    for (const node of cluster.members) inCluster.add(node);
  }
  for (const node of graph.nodes) if (!inCluster.has(node)) for (const value of node.inputs) if (value) needed.add(value.storage);
  return (value) => needed.has(value);
}
