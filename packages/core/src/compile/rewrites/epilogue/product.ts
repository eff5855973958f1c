import { conv2dTakesEpilogue, type Epilogue, type Target } from '@initlab/kernels';
import { type GraphNode, is, makeNode, type Node } from '../../../op/graph-node.js';
import { type Conv2dAttrs, conv2dGradInputOp, conv2dOp, problemOf } from '../../../ops/product/conv2d.js';
import { floatType } from '../../../storage/spec.js';
import type { GraphValue } from '../../../storage/storage.js';
import { type Conv2dEpilogueAttrs, conv2dEpilogueOps } from '../../fused/conv2d-epilogue.js';

/** A node whose results can go on before they are stored. */
export interface Product {
  readonly attrs: Conv2dEpilogueAttrs;
  readonly source: GraphValue;
  readonly weight: GraphValue;
  readonly bias?: GraphValue | undefined;
  /** Operands of the chain it has already. */
  readonly chained: readonly GraphValue[];
  readonly y: GraphValue;
}

/** The node as a product, if it is a convolution or its input gradient. */
export function productOf(node: GraphNode): Product | undefined {
  if (is(node, conv2dEpilogueOps.forward)) return { ...made(node.attrs, node.in), source: node.in.x, y: node.out.y };
  if (is(node, conv2dEpilogueOps.gradInput)) return { ...made(node.attrs, node.in), source: node.in.dy, y: node.out.dx };
  if (is(node, conv2dOp)) {
    const { x: source, weight, bias } = node.in;
    return { attrs: plain(node.attrs, 'forward', { source, bias }), source, weight, bias, chained: [], y: node.out.y };
  }
  if (!is(node, conv2dGradInputOp)) return undefined;
  const { dy: source, weight } = node.in;
  return { attrs: plain(node.attrs, 'gradInput', { source }), source, weight, chained: [], y: node.out.dx };
}

type Epilogued = Node<typeof conv2dEpilogueOps.forward | typeof conv2dEpilogueOps.gradInput>['in'];

const made = (attrs: Conv2dEpilogueAttrs, { weight, bias, chain1, chain2, chain3, chain4 }: Epilogued) => ({
  attrs,
  weight,
  bias,
  chained: [chain1, chain2, chain3, chain4].filter((v) => v !== undefined),
});

const plain = (
  attrs: Conv2dAttrs,
  direction: Conv2dEpilogueAttrs['direction'],
  { source, bias }: Pick<Product, 'source' | 'bias'>,
): Conv2dEpilogueAttrs => ({
  ...attrs,
  direction,
  dtype: floatType(source.spec.dtype),
  bias: bias !== undefined,
  epilogue: {},
});

/** Whether the product's kernel on this target goes on with such an epilogue. */
export const takes = ({ attrs }: Product, epilogue: Epilogue, target: Target): boolean =>
  conv2dTakesEpilogue(problemOf(attrs, attrs.dtype, attrs.bias), attrs.direction, { target, epilogue });

/** What an epilogue's sums are of, beside the results. */
export interface SumOperands {
  readonly normX?: GraphValue;
  readonly normMean?: GraphValue;
  readonly normRstd?: GraphValue;
}

/** The product's node with an epilogue, which leaves `sums` where they are given. */
export function withEpilogue(
  { source, weight, bias, chained: [chain1, chain2, chain3, chain4], y }: Product,
  attrs: Conv2dEpilogueAttrs,
  { sums, ...summed }: SumOperands & { readonly sums?: GraphValue } = {},
): GraphNode {
  const rest = { weight, bias, chain1, chain2, chain3, chain4, ...summed };
  return attrs.direction === 'forward'
    ? makeNode(conv2dEpilogueOps.forward, { attrs, in: { x: source, ...rest }, out: { y, sums } })
    : makeNode(conv2dEpilogueOps.gradInput, { attrs, in: { dy: source, ...rest }, out: { dx: y, sums } });
}
