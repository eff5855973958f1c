import type { ChainInput, PointwiseChain } from '@initlab/kernels';
import type { GraphNode } from '../../../op/graph-node.js';
import { rowMajorStrides, sameShape } from '../../../storage/spec.js';
import type { GraphValue } from '../../../storage/storage.js';
import { refineChain } from './refine.js';

/** A node that is pointwise over floating-point values: its values, and what its chain says of each. */
export interface ChainNode {
  readonly node: GraphNode;
  readonly chain: PointwiseChain;
  readonly reads: readonly { readonly value: GraphValue; readonly input: ChainInput }[];
  readonly makes: readonly { readonly value: GraphValue; readonly output: PointwiseChain['outputs'][number] }[];
}

/** The node as one of those, if it is. */
export function chainNode(node: GraphNode): ChainNode | undefined {
  if (!known.has(node)) known.set(node, findChain(node));
  return known.get(node);
}
const known = new WeakMap<GraphNode, ChainNode | undefined>();

function findChain(node: GraphNode): ChainNode | undefined {
  const chain = node.op.pointwise?.(node.specs);
  const float = chain && [...chain.inputs, ...chain.outputs].every(({ dtype }) => dtype === 'f32' || dtype === 'f16');
  return float ? withChain(node, chain) : undefined;
}

const withChain = (node: GraphNode, chain: PointwiseChain): ChainNode => ({
  node,
  chain,
  reads: chain.inputs.flatMap((input, i) => node.reads.slice(i, i + 1).map((value) => ({ value, input }))),
  makes: chain.outputs.flatMap((output, i) => node.makes.slice(i, i + 1).map((value) => ({ value, output }))),
});

/** The same over a space that cuts some of its dimensions into several; undefined where that does not come out even. */
export function refined(one: ChainNode, shape: readonly number[]): ChainNode | undefined {
  if (sameShape(one.chain.shape, shape)) return one;
  const chain = refineChain(one.chain, shape);
  return chain && withChain(one.node, chain);
}

/** Do two run over the same elements in the same order? One may cut a dimension into several. */
export const sameSpace = (a: ChainNode, b: ChainNode): boolean =>
  refined(a, b.chain.shape) !== undefined || refined(b, a.chain.shape) !== undefined;

/** An input that is read at the very place that is computed, not broadcast or moved. */
export function liesInPlace({ strides }: ChainInput, { shape }: PointwiseChain): boolean {
  const dense = rowMajorStrides(shape);
  return strides.every((s, d) => shape[d] === 1 || s === dense[d]);
}
