import type { ChainArg, ChainStep, PointwiseChain } from '@initlab/kernels';
import { type GraphNode, makeNode } from '../../../op/graph-node.js';
import type { GraphValue } from '../../../record/graph-value.js';
import type { Storage } from '../../../storage/storage.js';
import { numbered } from '../../../op/slots.js';
import { rowMajorStrides } from '../../../storage/strides.js';
import { fusedPointwiseOp } from '../../fused/pointwise.js';
import { refineChain } from './refine.js';

/** Pointwise nodes over one iteration space that will be one kernel. */
export interface Cluster {
  /** Nodes whose values it makes for others, in order. */
  readonly members: readonly GraphNode[];
  /** Nodes of other clusters it computes again instead of reading their values. */
  readonly copies: readonly GraphNode[];
  /** Position in the graph at which it runs: that of one of its members. */
  readonly at: number;
}

/** What a node does, if it is pointwise over floating-point values. */
export function chainOf(node: GraphNode): PointwiseChain | undefined {
  if (!chainOfNode.has(node)) chainOfNode.set(node, findChain(node));
  return chainOfNode.get(node);
}
const chainOfNode = new WeakMap<GraphNode, PointwiseChain | undefined>();

function findChain(node: GraphNode): PointwiseChain | undefined {
  const chain = node.op.pointwise?.(node.specs);
  const float = chain && [...chain.inputs, ...chain.outputs].every(({ dtype }) => dtype === 'f32' || dtype === 'f16');
  return float ? chain : undefined;
}

/** Do two pointwise nodes run over the same elements in the same order? One may cut a dimension into several. */
export function sameSpace(a: GraphNode, b: GraphNode): boolean {
  const [x, y] = [chainOf(a), chainOf(b)];
  return x !== undefined && y !== undefined && (refineChain(x, y.shape) !== undefined || refineChain(y, x.shape) !== undefined);
}

/** The chain's input i is read at the very place that is computed, not broadcast or moved. */
export function readsInPlace(chain: PointwiseChain, i: number): boolean {
  const dense = rowMajorStrides(chain.shape);
  return chain.inputs[i]?.strides.every((s, d) => chain.shape[d] === 1 || s === dense[d]) === true;
}

export interface JoinedCluster {
  readonly node: GraphNode;
  /** Values read from outside, each once. */
  readonly inputs: readonly GraphValue[];
}

/**
 * One node in place of the cluster's. `isRead` says which values others need. Undefined where a node reads another's
 * value elsewhere than at its own place (broadcast, transposed): that needs the whole value first.
 */
export function joinCluster(
  { members, copies }: Pick<Cluster, 'members' | 'copies'>,
  isRead: (value: Storage) => boolean,
): JoinedCluster | undefined {
  const values = new Map<Storage, ChainArg>();
  const inputs: GraphValue[] = [];
  const known = new Map<string, ChainArg>();
  const chainInputs: PointwiseChain['inputs'][number][] = [];
  const steps: ChainStep[] = [];
  const outputs: { value: ChainArg; graph: GraphValue }[] = [];
  const ids = new Map<Storage, number>();
  const idOf = (storage: Storage): number => {
    const id = ids.get(storage) ?? ids.size;
    ids.set(storage, id);
    return id;
  };
  const chains = [...copies, ...members].map((node) => chainOf(node) as PointwiseChain);
  // The space that is cut finest.
  const shape = chains.map((chain) => chain.shape).reduce((a, b) => (b.length > a.length ? b : a));
  for (const [k, node] of [...copies, ...members].entries()) {
    const chain = refineChain(chains[k] as PointwiseChain, shape);
    if (!chain) return undefined;
    if (node.reads.some((value, i) => values.has(value.storage) && !readsInPlace(chain, i))) return undefined;
    const args = chain.inputs.map((input, i): ChainArg => {
      const value = node.reads[i] as GraphValue;
      const made = values.get(value.storage);
      if (made) return made;
      const key = `${idOf(value.storage)} ${input.dtype} ${input.strides.join(' ')}`;
      const arg = known.get(key) ?? { input: chainInputs.length };
      if (!known.has(key)) {
        known.set(key, arg);
        chainInputs.push(input);
        inputs.push(value);
      }
      return arg;
    });
    const first = steps.length;
    const rewire = (arg: ChainArg): ChainArg =>
      'input' in arg ? (args[arg.input] as ChainArg) : 'step' in arg ? { step: arg.step + first } : arg;
    for (const step of chain.steps) steps.push({ ...step, args: step.args.map(rewire) });
    chain.outputs.forEach((output, i) => {
      const graph = node.makes[i] as GraphValue;
      const value = rewire(output.value);
      values.set(graph.storage, value);
      if (!copies.includes(node) && isRead(graph.storage)) outputs.push({ value, graph });
    });
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
