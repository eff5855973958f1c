import { type Caps, type ChainReduceProblem, type PointwiseChain, planChainReduce } from '@initlab/kernels';
import { getOrMake } from '../../get-or-make.js';
import { type GraphNode, is, makeNode, type TypedNode } from '../../op/graph-node.js';
import { defineOp, madeHere } from '../../op/op.js';
import { numbered, numberedSlots, type SlotList } from '../../op/slots.js';
import { type ReduceAttrs, reduceOps } from '../../ops/sum/reduce-parts.js';
import { memoryOrder, physicalShape, rowMajorStrides } from '../../storage/spec.js';
import type { GraphValue } from '../../storage/storage.js';
import { mostOperands } from '../fused/pointwise.js';
import type { Graph } from '../graph.js';
import { type ChainNode, chainNode } from './pointwise/chain-node.js';
import { refineChain } from './pointwise/refine.js';

/** A chain whose values are reduced, stored, or both. Made by the rewrite only. */
const chainReduceOp = defineOp<ChainReduceProblem>()<SlotList, SlotList>({
  name: 'reduce',
  inputs: numberedSlots('x', mostOperands),
  outputs: numberedSlots('y', mostOperands),
  infer: madeHere,
  plan: ({ attrs, target }) => planChainReduce(attrs, target),
});

type ChainOutput = PointwiseChain['outputs'][number];
type Reduction = TypedNode<ReduceAttrs, ['x0'], ['y0']>;

/** Reductions over the same dimensions of values that one chain makes. */
interface Team {
  readonly chain: PointwiseChain;
  readonly reduced: readonly boolean[];
  readonly kind: ReduceAttrs['kind'];
  readonly members: { readonly node: Reduction /** The output of the chain that it reads. */; readonly output: ChainOutput }[];
}

/**
 * Sums (and extremes) of a pointwise chain's values are taken in the chain's kernel: the gradients of what was broadcast,
 * the mean square of a norm. Values that nobody else reads are not stored.
 */
export function fuseReduce(graph: Graph, { maxStorageBuffers }: Pick<Caps, 'maxStorageBuffers'>): void {
  const { analysis } = graph;
  for (const node of graph.nodes) {
    const made = chainNode(node);
    if (!made) continue;
    const teams = teamsOf(made, (value) => analysis.readers(value));
    // Those over other dimensions read what is stored.
    const team = teams.reduce<Team | undefined>((a, b) => (a && a.members.length >= b.members.length ? a : b), undefined);
    if (!team) continue;
    const gone = new Set<GraphNode>(team.members.map((member) => member.node));
    const isRead = (value: GraphValue): boolean =>
      !value.storage.virtual || graph.results.has(value.storage) || analysis.readers(value).some((reader) => !gone.has(reader));
    const wholes = made.makes.filter(({ value }) => isRead(value));
    if (made.reads.length + wholes.length + team.members.length > maxStorageBuffers) continue;
    const sums = team.members.map(({ node: { out, attrs }, output }) => ({
      value: out.y0,
      output: { ...output, dtype: out.y0.spec.dtype },
      scale: attrs.scale,
    }));
    const outputs = [...wholes, ...sums];
    const attrs: ChainReduceProblem = {
      kind: team.kind,
      chain: { ...team.chain, outputs: outputs.map(({ output }) => output) },
      reduced: team.reduced,
      results: [...wholes.map(() => 'whole' as const), ...sums.map(({ scale }) => scale)],
    };
    const values = outputs.map(({ value }) => value);
    analysis.replace(node, makeNode(chainReduceOp, { attrs, in: numbered('x', node.reads), out: numbered('y', values) }));
    for (const sum of gone) analysis.replace(sum);
  }
  graph.settle();
}

function teamsOf({ chain, makes }: ChainNode, readersOf: (value: GraphValue) => readonly GraphNode[]): Team[] {
  const teams = new Map<string, Team>();
  for (const { value, output } of makes)
    for (const reader of readersOf(value)) {
      // A result that lies in a buffer already may not be written earlier.
      if (!is(reader, reduceOps) || !reader.out.y0.storage.virtual) continue;
      const space = commonSpace(chain, reader);
      if (!space) continue;
      const { kind } = reader.attrs;
      const team = getOrMake(teams, `${kind} ${space.chain.shape} ${space.reduced}`, () => ({ ...space, kind, members: [] }));
      team.members.push({ node: reader, output });
    }
  return [...teams.values()];
}

/** The chain over a space that also shows which dimensions are reduced; undefined where the two cut it differently. */
function commonSpace(chain: PointwiseChain, { in: { x0: x }, attrs: { dims } }: Reduction): Pick<Team, 'chain' | 'reduced'> | undefined {
  const shape = physicalShape(x.spec);
  const dense = rowMajorStrides(shape);
  const gone = memoryOrder(x.spec).map((d) => dims.includes(d));
  // What stands still along the reduced dimensions, so that cutting the space cuts it too.
  const walk = { shape, inputs: [{ dtype: 'f32' as const, strides: dense.map((s, d) => (gone[d] ? 0 : s)) }], steps: [], outputs: [] };
  const finest = shape.length > chain.shape.length ? shape : chain.shape;
  const [fine, walked] = [refineChain(chain, finest), refineChain(walk, finest)];
  const strides = walked?.inputs[0]?.strides;
  return fine && strides ? { chain: fine, reduced: strides.map((s, d) => s === 0 && finest[d] !== 1) } : undefined;
}
