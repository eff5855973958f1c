import { type ChainArg, epilogueTakes, type PointwiseChain, type Target } from '@initlab/kernels';
import { sameShape } from '../../../storage/spec.js';
import type { GraphValue } from '../../../storage/storage.js';
import type { Graph } from '../../graph.js';
import { type ChainNode, chainNode, liesInPlace } from '../pointwise/chain-node.js';
import { productOf, takes, withEpilogue } from './product.js';

/**
 * Pointwise steps that alone read a convolution's result (or its input gradient) are taken on the results in registers:
 * a ReLU after a convolution, the sum of two gradients behind a ReLU's mask.
 */
export function fuseEpilogue(graph: Graph, target: Target): void {
  const { analysis } = graph;
  // The latest product first: of two gradients that are added, that one need not wait.
  for (const node of [...graph.nodes].reverse()) {
    const product = productOf(node);
    if (!product) continue;
    const { y } = product;
    const [next, another] = analysis.readers(y);
    if (product.attrs.epilogue.chain || !next || another || graph.results.has(y.storage) || analysis.replaced(next)) continue;
    const after = chainNode(next);
    const [out] = next.makes;
    if (!after || !out || !liesAs(out, y) || !epilogueTakes(after.chain)) continue;
    if (!after.reads.every(({ value, input }) => liesAs(value, y) && liesInPlace(input, after.chain))) continue;
    // The kernel has the result in registers once: y · y is left alone.
    const [own, twice] = after.reads.filter(({ value }) => value.storage === y.storage);
    if (!own || twice) continue;
    // The product waits until the chain's other operands are there.
    const [first, end] = [analysis.position(node), analysis.position(next)];
    if (node.reads.some((v) => analysis.overwritten(v, first, end))) continue;
    const others = after.reads.filter((read) => read !== own);
    const epilogue = { chain: withFirst(after, own) };
    if (!takes(product, epilogue, target)) continue;
    const attrs = { ...product.attrs, epilogue };
    analysis.replace(next, withEpilogue({ ...product, chained: others.map(({ value }) => value), y: out }, attrs));
    analysis.replace(node);
  }
  graph.settle();
}

const liesAs = (a: GraphValue, b: GraphValue): boolean => sameShape(a.spec.shape, b.spec.shape) && a.spec.format === b.spec.format;

/** The chain with the input of one of its node's operands moved to the front. */
function withFirst({ chain, reads }: ChainNode, first: ChainNode['reads'][number]): PointwiseChain {
  const at = reads.indexOf(first);
  const moved = (arg: ChainArg): ChainArg =>
    'input' in arg ? { input: arg.input === at ? 0 : arg.input < at ? arg.input + 1 : arg.input } : arg;
  return {
    ...chain,
    inputs: [first, ...reads.filter((read) => read !== first)].map(({ input }) => input),
    steps: chain.steps.map((step) => ({ ...step, args: step.args.map(moved) })),
    outputs: chain.outputs.map((output) => ({ ...output, value: moved(output.value) })),
  };
}
