import { type Tensor, watchOps } from '@initlab/core';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { withForwardHook } from '../module/forward-hook.js';
import type { Module } from '../module/module.js';

/** A layer of weights: a convolution, a linear layer, and what is made of them. */
export type WeightLayer = Conv2d | Linear;

/** A layer as a forward pass went through it. */
export interface SeenLayer {
  /** Path of the module. */
  readonly name: string;
  readonly layer: WeightLayer;
  /** What its products were made with, once for each use. */
  readonly weights: Tensor[];
  /** What became of its output, see `activation`. */
  readonly output: Tensor;
  /** Name of the function that `output` is the result of; undefined where it is the layer's own. */
  readonly activation: string | undefined;
}

/** Sigmoids are not among them: in these nets they are gates, inside of norms. */
const activations: ReadonlySet<string> = new Set(['relu', 'relu6', 'leakyRelu', 'elu', 'gelu', 'silu', 'hardswish', 'tanh']);
const products: ReadonlySet<string> = new Set(['conv2d', 'matmul']);

interface Found {
  readonly name: string;
  readonly layer: WeightLayer;
  readonly weights: Tensor[];
  own?: Tensor;
  activated?: { readonly output: Tensor; readonly by: string };
}

/**
 * Run `body`, a forward pass through `model`, and say of each layer with weights, in order of execution, what its output became at
 * the first activation function that it reached before other weights: through norms, biases and the sum with a shortcut. A layer
 * that reaches none (the classifier, a linear bottleneck) is shown by its own output; one that is used again by its first use.
 */
export function findActivations(model: Module, body: () => Tensor): { readonly result: Tensor; readonly layers: readonly SeenLayer[] } {
  const names = new Map([...model.namedModules()].map(([name, module]) => [module, name]));
  const found = new Map<Module, Found>();
  /** Whose outputs a value is made of. */
  const madeOf = new Map<unknown, ReadonlySet<Found>>();
  const see = (module: Module, { output }: { readonly output: Tensor }): undefined => {
    const it = found.get(module);
    if (!it || it.own) return undefined;
    it.own = output.detach();
    madeOf.set(output.storage, new Set([it]));
    return undefined;
  };
  const follow = ({ op, inputs, outputs }: { op: string; inputs: readonly (Tensor | undefined)[]; outputs: readonly Tensor[] }): void => {
    const sources = new Set(inputs.flatMap((x) => [...((x && madeOf.get(x.storage)) ?? [])]));
    const [output] = outputs;
    if (sources.size === 0 || !output || products.has(op)) return;
    if (!activations.has(op)) {
      for (const y of outputs) madeOf.set(y.storage, sources);
      return;
    }
    const activated = { output: output.detach(), by: op };
    for (const source of sources) source.activated ??= activated;
  };
  const layers = model.modules().filter((module): module is WeightLayer => module instanceof Conv2d || module instanceof Linear);
  const forgetters = layers.map((layer) =>
    watchWeight(layer, (weight) => {
      const it = found.get(layer) ?? { name: names.get(layer) ?? '', layer, weights: [] };
      if (!it.weights.includes(weight)) it.weights.push(weight);
      found.set(layer, it);
    }),
  );
  let result: Tensor;
  try {
    result = withForwardHook(model, see, () => watchOps(follow, body));
  } finally {
    for (const forget of forgetters) forget();
  }
  const reached = [...found.values()].filter((it): it is Found & { own: Tensor } => it.own !== undefined);
  return {
    result,
    layers: reached.map(({ name, layer, weights, own, activated }) => ({
      ...{ name, layer, weights },
      output: activated?.output ?? own,
      activation: activated?.by,
    })),
  };
}

/** Tells `see` what the layer multiplies with, until the function that is answered is called. */
function watchWeight(layer: WeightLayer, see: (weight: Tensor) => void): () => void {
  const effective = layer.effectiveWeight.bind(layer);
  const observed = (): Tensor => {
    const weight = effective();
    see(weight);
    return weight;
  };
  Object.defineProperty(layer, 'effectiveWeight', { value: observed, configurable: true, writable: true, enumerable: false });
  return () => void Reflect.deleteProperty(layer, 'effectiveWeight');
}
