import { conv2dTakesEpilogue, type Epilogue, type Target } from '@initlab/kernels';
import { conv2dGradInputOp, conv2dOp, type Conv2dAttrs, problemOf } from '../../../ops/conv2d.js';
import { type Conv2dEpilogueAttrs, conv2dEpilogueOps } from '../../../ops/conv2d-epilogue.js';
import type { GraphNode, GraphValue } from '../../../record/recorder.js';

/** A node whose results can go on before they are stored. */
export interface Product {
  readonly attrs: Conv2dEpilogueAttrs;
  /** Its own operands: source, weight, bias. */
  readonly operands: readonly (GraphValue | undefined)[];
  /** Operands of the chain it has already. */
  readonly chained: readonly (GraphValue | undefined)[];
}

/** The node as a product, if it is a convolution or its input gradient. */
export function productOf(node: GraphNode): Product | undefined {
  const op: object = node.op;
  if (op === conv2dEpilogueOps.forward || op === conv2dEpilogueOps.gradInput)
    return { attrs: node.attrs as Conv2dEpilogueAttrs, operands: node.inputs.slice(0, 3), chained: node.inputs.slice(3, 7) };
  const direction = op === conv2dOp ? 'forward' : op === conv2dGradInputOp ? 'gradInput' : undefined;
  if (!direction) return undefined;
  const [source, weight, third] = node.inputs;
  const bias = direction === 'forward' && third !== undefined;
  const dtype = source?.spec.dtype === 'f16' ? 'f16' : 'f32';
  const attrs = node.attrs as Conv2dAttrs;
  return { attrs: { ...attrs, direction, dtype, bias, epilogue: {} }, operands: [source, weight, bias ? third : undefined], chained: [] };
}

/** Whether the product's kernel on this target goes on with such an epilogue. */
export const takes = ({ attrs }: Product, epilogue: Epilogue, target: Target): boolean =>
  conv2dTakesEpilogue(problemOf(attrs, attrs.dtype, attrs.bias), attrs.direction, { target, epilogue });

/** The product's node with an epilogue. */
export function withEpilogue(
  { operands, chained }: Product,
  attrs: Conv2dEpilogueAttrs,
  { sums = [], outputs }: { sums?: readonly (GraphValue | undefined)[]; outputs: readonly GraphValue[] },
): GraphNode {
  const four = Array.from({ length: 4 }, (_, i) => chained[i]);
  const three = Array.from({ length: 3 }, (_, i) => sums[i]);
  return {
    op: conv2dEpilogueOps[attrs.direction] as GraphNode['op'],
    attrs,
    inputs: [...Array.from({ length: 3 }, (_, i) => operands[i]), ...four, ...three],
    outputs,
  };
}
