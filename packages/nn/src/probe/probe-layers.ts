import {
  abs,
  add,
  amax,
  cast,
  cat,
  div,
  equal,
  full,
  grad,
  noGrad,
  OpError,
  reshape,
  square,
  sum,
  type Tensor,
  varMean,
  where,
} from '@initlab/core';
import { checkBody, checkOptions, showValue } from '@initlab/core/internal';
import { checkModule, type Module } from '../module/module.js';
import { findActivations, type SeenLayer } from './find-activations.js';

/** What was found at one layer. */
export interface LayerProbe {
  /** Path of the module: `layer1.0.conv2`. */
  readonly name: string;
  /** The activation function whose result was looked at (`relu`); null where it was the layer's own output. */
  readonly activation: string | null;
  /** Of all elements of the activation: images, channels and places. */
  readonly mean: number;
  /** Their standard deviation, with the count as divisor. */
  readonly deviation: number;
  /** Euclidean norm of the loss's gradient with respect to the weight; null where it is not learned. */
  readonly gradientNorm: number | null;
  /** Euclidean norm of the weight that the product was made with: of weight normalisation's g · v / ‖v‖, not of v. */
  readonly weightNorm: number;
  /** Share of channels (features of a linear layer) that are 0 for all images at all places; null where no ReLU follows. */
  readonly dead: number | null;
}

/** What the numbers of a probe belong to. */
export interface ProbedLayer extends Pick<LayerProbe, 'name' | 'activation'> {
  /** Channels or features. */
  readonly units: number;
  readonly learned: boolean;
}

/** A probe whose numbers are on the device still. */
export interface LayerProbes {
  /** In order of execution. */
  readonly layers: readonly ProbedLayer[];
  /** [layers, 8], for `readProbes`. */
  readonly numbers: Tensor;
}

/** Options of `probeLayers`. */
export interface ProbeOptions {
  /** What the loss was multiplied with, [1]: the gradients are divided by it. Default 1. */
  readonly lossScale?: Tensor;
}

/** Numbers of a layer: unit, mean and variance of the activation in it, dead units, unit and squares of gradient and of weight. */
const perLayer = 8;

/**
 * Looks at every convolution and linear layer of `model` while `loss` sends a batch through it: activations, the gradients of the
 * loss that `loss` returns (one number), weights. All is reduced on the device; nothing is read back. Parameters' own gradients are
 * left alone. Works eagerly, within a scope, and inside `compile`. In training mode wrap it in `keepingState`, so that running
 * statistics stay what they were.
 *
 * ```ts
 * const { layers, numbers } = keepingState(model, () => probeLayers(model, () => crossEntropy(model.forward(images), labels)));
 * const [first] = readProbes(layers, await numbers.read());
 * ```
 */
export function probeLayers(model: Module, loss: () => Tensor, options: ProbeOptions = {}): LayerProbes {
  checkModule('probeLayers', model);
  checkBody('probeLayers', loss);
  checkOptions('probeLayers', options, ['lossScale']);
  const { result, layers: seen } = findActivations(model, loss);
  const shown = noGrad(() => seen.map(({ output, activation }) => activationNumbers(output, activation)));
  const wanted = [...new Set(seen.flatMap(({ weights }) => weights.filter(({ requiresGrad }) => requiresGrad)))];
  const gradients = wanted.length > 0 ? grad(result, wanted) : [];
  return noGrad(() => {
    const rows = seen.map((layer, i) => {
      const parts = layer.weights.flatMap((weight) => gradients[wanted.indexOf(weight)] ?? []);
      const gradient = parts.length > 0 ? parts.reduce((a, b) => add(a, b)) : undefined;
      const [unit, squares] = gradient ? normNumbers(gradient) : zeroNorm(layer);
      const unscaled = options.lossScale ? div(unit, options.lossScale) : unit;
      return cat([...(shown[i] as Tensor[]), unscaled, squares, ...normNumbers(layer.weights[0] as Tensor)]);
    });
    return { layers: seen.map(layerOf), numbers: reshape(cat(rows), [rows.length, perLayer]) };
  });
}

function layerOf({ name, activation, output, weights }: SeenLayer): ProbedLayer {
  return {
    name,
    activation: activation ?? null,
    units: output.shape[unitDim(output)] as number,
    learned: weights.some(({ requiresGrad }) => requiresGrad),
  };
}

/** What `probeLayers` found, from `await numbers.read()`; sizes beyond f32's squares included. */
export function readProbes(layers: readonly ProbedLayer[], numbers: ArrayLike<number>): LayerProbe[] {
  if (!Array.isArray(layers)) throw new OpError('readProbes', `takes the layers of probeLayers, got ${showValue(layers)}`);
  if (numbers?.length !== layers.length * perLayer)
    throw new OpError(
      'readProbes',
      `takes the ${layers.length * perLayer} numbers of ${layers.length} layers, await numbers.read(), got ${showValue(numbers)}`,
    );
  return layers.map(({ name, activation, units, learned }, i) => {
    const [unit, mean, variance, dead, gradientUnit, gradientSquares, weightUnit, weightSquares] = Array.from(
      { length: perLayer },
      (_, k) => numbers[i * perLayer + k] as number,
    ) as [number, number, number, number, number, number, number, number];
    return {
      ...{ name, activation },
      mean: unit * mean,
      deviation: unit * Math.sqrt(variance),
      gradientNorm: learned ? gradientUnit * Math.sqrt(gradientSquares) : null,
      weightNorm: weightUnit * Math.sqrt(weightSquares),
      dead: activation === 'relu' || activation === 'relu6' ? dead / units : null,
    };
  });
}

/** Channels of images; features are the last. */
const unitDim = ({ ndim }: Tensor): number => (ndim === 4 ? 1 : ndim - 1);

/** [1] each: unit, mean and variance in it, units whose largest magnitude is 0. */
function activationNumbers(output: Tensor, activation: string | undefined): Tensor[] {
  const values = cast(output, 'f32');
  const positive = activation === 'relu' || activation === 'relu6';
  const dims = values.shape.map((_, d) => d).filter((d) => d !== unitDim(values));
  const largest = amax(positive ? values : abs(values), { dims });
  const unit = unitOf(amax(largest));
  const { mean, variance } = varMean(div(values, unit), { correction: 0 });
  return [unit, mean, variance, sum(equal(largest, 0))].map((x) => reshape(x, [1]));
}

/** [1] each: unit, and the sum of the squares in it: activations and gradients of deep nets go far beyond what has an f32 for a square. */
function normNumbers(x: Tensor): [Tensor, Tensor] {
  const values = reshape(cast(x, 'f32'), [x.size]);
  const unit = unitOf(amax(abs(values)));
  return [unit, reshape(sum(square(div(values, unit))), [1])];
}

const zeroNorm = ({ output: { device } }: SeenLayer): [Tensor, Tensor] => [full([1], 1, { device }), full([1], 0, { device })];

/** The largest magnitude, [1]; 1 where all is 0. */
const unitOf = (largest: Tensor): Tensor => {
  const of = reshape(largest, [1]);
  return where(equal(of, 0), full([1], 1, { device: of.device }), of);
};
