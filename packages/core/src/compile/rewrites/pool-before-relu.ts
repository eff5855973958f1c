import { type GraphNode, is, makeNode, type Node } from '../../op/graph-node.js';
import { type PointwiseOp, pointwiseOps } from '../../ops/pointwise/pointwise.js';
import { maxPooling } from '../../ops/pool/pool.js';
import { sameSpec } from '../../storage/spec.js';
import type { GraphValue } from '../../storage/storage.js';
import { type Graph, newValue } from '../graph.js';
import { readsAsMade } from '../sharing.js';

/**
 * `maxPool(relu(x))` becomes `relu(maxPool(x))`, and so do the gradients: the same values, since a ReLU keeps the order, on a
 * quarter of the elements. Where all of a window is cut off another place may win, but its gradient is 0 either way.
 */
export function poolBeforeRelu(graph: Graph): void {
  const { analysis } = graph;
  for (const pool of graph.nodes) {
    if (!is(pool, maxPooling.op) || mayHoldNothing(pool)) continue;
    const { x: y } = pool.in;
    const { y: z, index } = pool.out;
    const relu = analysis.producer(y);
    if (!relu || !is(relu, pointwiseOps) || !rowOf(relu, 'unary')) continue;
    const { x0: x } = relu.in;
    if (graph.results.has(y.storage) || !sameSpec(x.spec, y.spec)) continue;
    if (analysis.overwritten(x, analysis.position(relu), analysis.position(pool))) continue;
    const others = analysis.readers(y).filter((node) => node !== pool);
    const back = others[0] && gradientsOf(others[0], { graph, index, relu });
    if (others.length > 1 || (others.length === 1 && !back)) continue;
    // Of equals another place might win, which somebody would see.
    if (graph.results.has(index.storage) || analysis.readers(index).some((node) => node !== back?.poolGrad)) continue;

    const before = newValue(z.storage.device, z.spec, 'maxPool2d');
    analysis.replace(relu);
    analysis.replace(
      pool,
      makeNode(maxPooling.op, { attrs: pool.attrs, in: { x }, out: { y: before, index } }),
      makeNode(relu.op, { attrs: relu.attrs, in: { x0: before }, out: { y0: z } }),
    );
    if (!back) continue;
    const { reluGrad, poolGrad, dz } = back;
    const masked = newValue(dz.storage.device, dz.spec, 'unaryGrad');
    analysis.replace(poolGrad);
    analysis.replace(
      reluGrad,
      makeNode(reluGrad.op, { attrs: reluGrad.attrs, in: { x0: dz, x1: z }, out: { y0: masked } }),
      makeNode(maxPooling.gradOp, { attrs: poolGrad.attrs, in: { dy: masked, index }, out: { dx: reluGrad.out.y0 } }),
    );
  }
  graph.settle();
}

/** Taps far apart may all lie in the padding, whose −∞ a ReLU behind would make 0. */
const mayHoldNothing = ({ attrs: { dilation, padding } }: Node<typeof maxPooling.op>): boolean =>
  dilation.some((d, axis) => d > 1 && padding[axis] !== 0);

type Pointwise = Node<PointwiseOp>;

interface Gradients {
  readonly poolGrad: Node<typeof maxPooling.gradOp>;
  readonly reluGrad: Pointwise;
  /** Gradient of the pooled values. */
  readonly dz: GraphValue;
}

interface Around {
  readonly graph: Graph;
  readonly index: GraphValue;
  readonly relu: Pointwise;
}

/** The pooling's gradient and the ReLU's behind it, if `reluGrad` is that and alone reads the former. */
function gradientsOf(reluGrad: GraphNode, { graph, index, relu }: Around): Gradients | undefined {
  if (!is(reluGrad, pointwiseOps) || rowOf(reluGrad, 'unaryGrad') !== rowOf(relu, 'unary')) return undefined;
  const gy = reluGrad.in.x0;
  const poolGrad = graph.analysis.producer(gy);
  if (!poolGrad || !is(poolGrad, maxPooling.gradOp)) return undefined;
  const alone = graph.analysis.readers(gy).length === 1 && !graph.results.has(gy.storage);
  if (![poolGrad.out.dx, relu.out.y0].every((value) => readsAsMade(reluGrad, value))) return undefined;
  return alone && poolGrad.in.index.storage === index.storage ? { poolGrad, reluGrad, dz: poolGrad.in.dy } : undefined;
}

/** ReLU or ReLU6 (or a derivative that reads its result), if the node is one. */
function rowOf({ attrs: { f }, reads }: Pointwise, kind: 'unary' | 'unaryGrad'): 'relu' | 'relu6' | undefined {
  const fits = f.kind === kind && reads.length === (kind === 'unary' ? 1 : 2);
  return fits && (f.row === 'relu' || f.row === 'relu6') ? f.row : undefined;
}
