import { maxPoolGradOp, maxPoolOp } from '../../ops/pool.js';
import type { PointwiseAttrs } from '../../ops/pointwise.js';
import type { GraphNode, GraphValue } from '../../record/recorder.js';
import { bytesOf, sameSpec } from '../../tensor/spec.js';
import { Storage } from '../../tensor/storage.js';
import { type Graph, readsAsMade } from '../graph.js';
import { Writes } from './pointwise/writes.js';
import { Replacements } from './replacements.js';

/**
 * `maxPool(relu(x))` becomes `relu(maxPool(x))`, and so do the gradients: the same values, since a ReLU keeps the order, on a
 * quarter of the elements. Where all of a window is cut off another place may win, but its gradient is 0 either way.
 */
export function poolBeforeRelu(graph: Graph): void {
  const position = new Map(graph.nodes.map((node, i) => [node, i]));
  const readers = graph.readers();
  const producers = graph.producers();
  const writes = new Writes(graph.nodes);
  const replacements = new Replacements();
  for (const pool of graph.nodes) {
    if ((pool.op as object) !== maxPoolOp) continue;
    const [y] = pool.inputs as [GraphValue];
    const [z, index] = pool.outputs as [GraphValue, GraphValue];
    const relu = producers.get(y.storage);
    const [x] = relu?.inputs ?? [];
    if (!relu || !x || !rowOf(relu, 'unary') || graph.results.has(y.storage) || !sameSpec(x.spec, y.spec)) continue;
    if (writes.between(x.storage, position.get(relu) as number, position.get(pool) as number)) continue;
    const others = (readers.get(y.storage) ?? []).filter((node) => node !== pool);
    const back = others[0] && gradientsOf(others[0], { graph, index, relu, readers, producers });
    if (others.length > 1 || (others.length === 1 && !back)) continue;

    const before = virtualLike(z, 'maxPool2d');
    replacements.replace(relu);
    replacements.replace(pool, { ...pool, inputs: [x], outputs: [before, index] }, { ...relu, inputs: [before], outputs: [z] });
    if (!back) continue;
    const masked = virtualLike(back.dz, 'unaryGrad');
    replacements.replace(back.poolGrad);
    replacements.replace(
      back.reluGrad,
      { ...back.reluGrad, inputs: [back.dz, z], outputs: [masked] },
      { ...back.poolGrad, inputs: [masked, index], outputs: back.reluGrad.outputs },
    );
  }
  replacements.apply(graph);
}

interface Gradients {
  readonly poolGrad: GraphNode;
  readonly reluGrad: GraphNode;
  /** Gradient of the pooled values. */
  readonly dz: GraphValue;
}

interface Around {
  readonly graph: Graph;
  readonly index: GraphValue;
  readonly relu: GraphNode;
  readonly readers: ReadonlyMap<Storage, readonly GraphNode[]>;
  readonly producers: ReadonlyMap<Storage, GraphNode>;
}

/** The pooling's gradient and the ReLU's behind it, if `reluGrad` is that and alone reads the former. */
function gradientsOf(reluGrad: GraphNode, { graph, index, relu, readers, producers }: Around): Gradients | undefined {
  const [gy] = reluGrad.inputs;
  const poolGrad = gy && producers.get(gy.storage);
  if (!gy || !poolGrad || (poolGrad.op as object) !== maxPoolGradOp || rowOf(reluGrad, 'unaryGrad') !== rowOf(relu, 'unary'))
    return undefined;
  const [dz, places] = poolGrad.inputs;
  const alone = readers.get(gy.storage)?.length === 1 && !graph.results.has(gy.storage);
  if (![poolGrad.outputs[0], relu.outputs[0]].every((value) => value && readsAsMade(reluGrad, value))) return undefined;
  return dz && alone && places?.storage === index.storage ? { poolGrad, reluGrad, dz } : undefined;
}

/** ReLU or ReLU6 (or a derivative that reads its result), if the node is one. */
function rowOf({ op, attrs, inputs }: GraphNode, kind: 'unary' | 'unaryGrad'): 'relu' | 'relu6' | undefined {
  const f = (attrs as Partial<PointwiseAttrs> | undefined)?.f;
  const operands = inputs.filter((v) => v !== undefined).length;
  const fits = op.pointwise && f?.kind === kind && operands === (kind === 'unary' ? 1 : 2);
  return fits && (f.row === 'relu' || f.row === 'relu6') ? f.row : undefined;
}

const virtualLike = ({ storage, spec }: GraphValue, label: string): GraphValue => ({
  storage: Storage.virtual(storage.device, bytesOf(spec), label),
  spec,
});
