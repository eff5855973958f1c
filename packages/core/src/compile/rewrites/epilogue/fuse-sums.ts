import type { Target } from '@initlab/kernels';
import { type Conv2dEpilogueAttrs, epilogueParts } from '../../../ops/conv2d-epilogue.js';
import type { NormAttrs } from '../../../ops/norm-chain.js';
import { normGradJoinedOp, normJoinedOp, normStatsJoinedOp } from '../../../ops/norm-joined.js';
import { isTrainingGrad, normTrainOp } from '../../../ops/norm-ops.js';
import { normStatsOp } from '../../../ops/norm-split.js';
import type { GraphNode, GraphValue } from '../../../record/recorder.js';
import { sameSpec } from '../../../tensor/spec.js';
import { Storage } from '../../../tensor/storage.js';
import type { Graph } from '../../graph.js';
import { Writes } from '../pointwise/writes.js';
import { Replacements } from '../replacements.js';
import { productOf, takes, withEpilogue } from './product.js';

/**
 * The sums a batch norm needs are taken where its operand is made: the moments of a convolution's results in its kernel,
 * and the two sums of the norm's gradient in the kernel of the input gradient that it receives.
 */
export function fuseSums(graph: Graph, target: Target): void {
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const producers = graph.producers();
  const writes = new Writes(graph.nodes);
  const replacements = new Replacements();

  /** Makes the producer of `value` leave sums; undefined where it cannot. */
  const leaveSums = (
    value: GraphValue,
    kind: 'moments' | 'normGrad',
    operands: readonly GraphValue[] = [],
  ): { sums: GraphValue; producer: Conv2dEpilogueAttrs } | undefined => {
    const node = producers.get(value.storage);
    const product = node && !replacements.has(node) ? productOf(node) : undefined;
    if (!node || !product || product.attrs.epilogue.sums) return undefined;
    // Sums are those of the product's own channels: a view may have others.
    if (!sameSpec(value.spec, (node.outputs[0] as GraphValue).spec)) return undefined;
    const at = position.get(node) as number;
    const ready = ({ storage }: GraphValue): boolean => {
      const maker = producers.get(storage);
      return maker ? (position.get(maker) as number) < at : !writes.between(storage, -1, graph.nodes.length);
    };
    if (!operands.every(ready)) return undefined;
    const epilogue = { ...product.attrs.epilogue, sums: kind };
    if (!takes(product, epilogue, target)) return undefined;
    const attrs = { ...product.attrs, epilogue };
    const { count } = epilogueParts(attrs, target);
    const channels = value.spec.shape[1] as number;
    const sums: GraphValue = {
      storage: Storage.virtual(value.storage.device, count * channels * 8, 'sums of an epilogue'),
      spec: { shape: [count, channels, 2], dtype: 'f32', format: 'rowMajor' },
    };
    replacements.replace(node, withEpilogue(product, attrs, { sums: operands, outputs: [node.outputs[0] as GraphValue, sums] }));
    return { sums, producer: attrs };
  };

  for (const node of graph.nodes) {
    const op: object = node.op;
    const attrs = node.attrs as NormAttrs;
    if (op === normTrainOp && attrs.kind === 'batch') {
      const [x, ...rest] = node.inputs as [GraphValue, ...(GraphValue | undefined)[]];
      const made = leaveSums(x, 'moments');
      if (made) replacements.replace(node, joined(node, normJoinedOp, { ...attrs, producer: made.producer }, [x, made.sums, ...rest]));
    } else if (op === normStatsOp && attrs.kind === 'batch') {
      const [x, ...running] = node.inputs as [GraphValue, ...(GraphValue | undefined)[]];
      const made = leaveSums(x, 'moments');
      if (made)
        replacements.replace(node, joined(node, normStatsJoinedOp, { ...attrs, producer: made.producer }, [x, made.sums, ...running]));
    } else if (isTrainingGrad(node.op) && attrs.kind === 'batch' && !attrs.activation) {
      const [dy, x, mean, rstd, weight] = node.inputs as GraphValue[];
      if (!dy || !x || !mean || !rstd) continue;
      const made = leaveSums(dy, 'normGrad', [x, mean, rstd]);
      if (made)
        replacements.replace(
          node,
          joined(node, normGradJoinedOp, { ...attrs, producer: made.producer }, [dy, x, mean, rstd, made.sums, weight]),
        );
    }
  }
  replacements.apply(graph);
}

const joined = (node: GraphNode, op: object, attrs: unknown, inputs: readonly (GraphValue | undefined)[]): GraphNode => ({
  op: op as GraphNode['op'],
  attrs,
  inputs,
  outputs: node.outputs,
});
