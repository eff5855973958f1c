import type { ChainArg, ChainInput, ChainStep } from '@initlab/kernels';
import { getOrMake } from '../../../get-or-make.js';
import { type GraphNode, makeNode } from '../../../op/graph-node.js';
import { numbered } from '../../../op/slots.js';
import type { GraphValue, Storage } from '../../../storage/storage.js';
import { fusedPointwiseOp } from '../../fused/pointwise.js';
import { type ChainNode, liesInPlace, refined } from './chain-node.js';

/** Pointwise nodes over one iteration space that will be one kernel. */
export interface Cluster {
  /** Nodes whose values it makes for others, in order. */
  readonly members: readonly [ChainNode, ...ChainNode[]];
  /** Nodes of other clusters it computes again instead of reading their values. */
  readonly copies: readonly ChainNode[];
  /** The copies and the members: see `inOneSpace`. */
  readonly all: readonly ChainNode[];
  /** Position in the graph at which it runs: that of one of its members. */
  readonly at: number;
}

/**
 * Chain nodes, in order, over the space of the one that is cut finest. Undefined where a node reads another's value elsewhere than at
 * its own place (broadcast, transposed): that needs the whole value first.
 */
export function inOneSpace(nodes: readonly ChainNode[]): ChainNode[] | undefined {
  const shape = nodes.map(({ chain }) => chain.shape).reduce((a, b) => (b.length > a.length ? b : a));
  const made = new Set<Storage>();
  const all: ChainNode[] = [];
  for (const one of nodes) {
    const fine = refined(one, shape);
    if (!fine || fine.reads.some(({ value, input }) => made.has(value.storage) && !liesInPlace(input, fine.chain))) return undefined;
    for (const { value } of fine.makes) made.add(value.storage);
    all.push(fine);
  }
  return all;
}

/** A cluster's node, and the values that it reads from outside, each once. `isRead` says which values others need. */
export function joinCluster(
  { copies, all }: Pick<Cluster, 'copies' | 'all'>,
  isRead: (value: Storage) => boolean,
): { readonly node: GraphNode; readonly inputs: readonly GraphValue[] } {
  const values = new Map<Storage, ChainArg>();
  const inputs: GraphValue[] = [];
  const known = new Map<string, ChainArg>();
  const chainInputs: ChainInput[] = [];
  const steps: ChainStep[] = [];
  const outputs: { value: ChainArg; graph: GraphValue }[] = [];
  const ids = new Map<Storage, number>();
  const idOf = (storage: Storage): number => getOrMake(ids, storage, () => ids.size);
  const copied = new Set(copies.map(({ node }) => node));
  let shape: readonly number[] = [];
  for (const { node, chain, reads, makes } of all) {
    shape = chain.shape;
    const args = reads.map(({ value, input }): ChainArg => {
      const made = values.get(value.storage);
      if (made) return made;
      return getOrMake(known, `${idOf(value.storage)} ${input.dtype} ${input.strides.join(' ')}`, () => {
        inputs.push(value);
        return { input: chainInputs.push(input) - 1 };
      });
    });
    const first = steps.length;
    const rewire = (arg: ChainArg): ChainArg => {
      if (!('input' in arg)) return 'step' in arg ? { step: arg.step + first } : arg;
      const own = args[arg.input];
      if (!own) throw new Error(`${node.op.name}: its chain reads input ${arg.input}, which the node has not`);
      return own;
    };
    for (const step of chain.steps) steps.push({ ...step, args: step.args.map(rewire) });
    for (const { value: graph, output } of makes) {
      const value = rewire(output.value);
      values.set(graph.storage, value);
      if (!copied.has(node) && isRead(graph.storage)) outputs.push({ value, graph });
    }
  }
  const chain = { shape, inputs: chainInputs, steps, outputs: outputs.map(({ value, graph }) => ({ value, dtype: graph.spec.dtype })) };
  return {
    inputs,
    node: makeNode(fusedPointwiseOp, {
      attrs: { chain },
      in: numbered('x', inputs),
      out: numbered(
        'y',
        outputs.map(({ graph }) => graph),
      ),
    }),
  };
}
