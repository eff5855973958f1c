import type { Target } from '@initlab/kernels';
import { type GraphNode, is, makeNode } from '../../../op/graph-node.js';
import { normGradOp, normTrainOp } from '../../../ops/norm/norm-ops.js';
import { rowMajor } from '../../../storage/spec.js';
import type { GraphValue } from '../../../storage/storage.js';
import { type Conv2dEpilogueAttrs, epilogueParts } from '../../fused/conv2d-epilogue.js';
import { normGradJoinedOp, normJoinedOp, normStatsJoinedOp, normStatsOp } from '../../fused/norm.js';
import { type Graph, newValue } from '../../graph.js';
import { isView } from '../../sharing.js';
import { productOf, type SumOperands, takes, withEpilogue } from './product.js';

/** Sums that a product leaves; how they are divided depends on its kernel. */
interface LeftSums {
  readonly sums: GraphValue;
  readonly producer: Conv2dEpilogueAttrs;
}

/** A norm's parts, with those sums. */
const reading = <A, I>(norm: { readonly attrs: A; readonly in: I }, { sums, producer }: LeftSums) => ({
  attrs: { ...norm.attrs, producer },
  in: { ...norm.in, sums },
});

/**
 * The sums a batch norm needs are taken where its operand is made: the moments of a convolution's results in its kernel,
 * and the two sums of the norm's gradient in the kernel of the input gradient that it receives.
 */
export function fuseSums(graph: Graph, target: Target): void {
  const { analysis } = graph;

  /** Makes the producer of `value` leave sums; undefined where it cannot. */
  const leaveSums = (value: GraphValue, kind: 'moments' | 'normGrad', operands: SumOperands = {}): LeftSums | undefined => {
    const node = analysis.producer(value);
    const product = node && !analysis.replaced(node) ? productOf(node) : undefined;
    if (!node || !product || product.attrs.epilogue.sums) return undefined;
    // Sums are those of the product's own channels: a view may have others.
    if (isView(value, product.y)) return undefined;
    const at = analysis.position(node);
    const ready = (operand: GraphValue): boolean => {
      const maker = analysis.producer(operand);
      return maker ? analysis.position(maker) < at : !analysis.overwritten(operand);
    };
    if (!Object.values(operands).every(ready)) return undefined;
    const epilogue = { ...product.attrs.epilogue, sums: kind };
    if (!takes(product, epilogue, target)) return undefined;
    const attrs = { ...product.attrs, epilogue };
    const { count } = epilogueParts(attrs, target);
    const channels = value.spec.shape[1] as number;
    const sums = newValue(value.storage.device, rowMajor([count, channels, 2]), 'sums of an epilogue');
    analysis.replace(node, withEpilogue(product, attrs, { ...operands, sums }));
    return { sums, producer: attrs };
  };

  /** The norm, reading the sums that its operand's producer leaves. */
  const joined = (node: GraphNode): GraphNode | undefined => {
    if (is(node, normTrainOp) && node.attrs.kind === 'batch') {
      const left = leaveSums(node.in.x, 'moments');
      return left && makeNode(normJoinedOp, { ...reading(node, left), out: node.out });
    }
    if (is(node, normStatsOp) && node.attrs.kind === 'batch') {
      const left = leaveSums(node.in.x, 'moments');
      return left && makeNode(normStatsJoinedOp, { ...reading(node, left), out: node.out });
    }
    if (is(node, normGradOp) && !node.attrs.fixed && !node.attrs.residual && node.attrs.kind === 'batch' && !node.attrs.activation) {
      const { dy, x, mean, rstd } = node.in;
      const left = leaveSums(dy, 'normGrad', { normX: x, normMean: mean, normRstd: rstd });
      return left && makeNode(normGradJoinedOp, { ...reading(node, left), out: node.out });
    }
    return undefined;
  };
  for (const node of graph.nodes) {
    const instead = joined(node);
    if (instead) analysis.replace(node, instead);
  }
  graph.settle();
}
