import { type ChainArg, epilogueTakes, type PointwiseChain, type Target } from '@initlab/kernels';
import type { GraphValue } from '../../../record/graph-value.js';
import { sameShape } from '../../../storage/spec.js';
import type { Graph } from '../../graph.js';
import { chainOf, readsInPlace } from '../pointwise/cluster.js';
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
    const chain = chainOf(next);
    const present = next.reads;
    const out = next.makes[0];
    if (!chain || !out || !present.every((v, i) => liesAs(v, y) && readsInPlace(chain, i))) continue;
    // The kernel has the result in registers once: y · y is left alone.
    if (!liesAs(out, y) || !epilogueTakes(chain) || present.filter((v) => v.storage === y.storage).length > 1) continue;
    // The product waits until the chain's other operands are there.
    const [first, end] = [analysis.position(node), analysis.position(next)];
    if (node.reads.some((v) => analysis.overwritten(v, first, end))) continue;
    const at = present.findIndex((v) => v.storage === y.storage);
    const others = present.filter((_, i) => i !== at);
    const epilogue = { chain: withFirst(chain, at) };
    if (!takes(product, epilogue, target)) continue;
    const attrs = { ...product.attrs, epilogue };
    analysis.replace(next, withEpilogue({ ...product, chained: others, y: out }, attrs));
    analysis.replace(node);
  }
  graph.settle();
}

const liesAs = (a: GraphValue, b: GraphValue): boolean => sameShape(a.spec.shape, b.spec.shape) && a.spec.format === b.spec.format;

/** The chain with input `at` moved to the front. */
function withFirst(chain: PointwiseChain, at: number): PointwiseChain {
  const moved = (arg: ChainArg): ChainArg =>
    'input' in arg ? { input: arg.input === at ? 0 : arg.input < at ? arg.input + 1 : arg.input } : arg;
  return {
    ...chain,
    inputs: [chain.inputs[at] as PointwiseChain['inputs'][number], ...chain.inputs.filter((_, i) => i !== at)],
    steps: chain.steps.map((step) => ({ ...step, args: step.args.map(moved) })),
    outputs: chain.outputs.map((output) => ({ ...output, value: moved(output.value) })),
  };
}
