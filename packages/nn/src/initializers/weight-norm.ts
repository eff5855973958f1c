import { copyInto, mul, OpError, reshape } from '@initlab/core';
import { calculateFanInAndFanOut } from '../init/fan.js';
import { constant_, kaimingNormal_, normal_, zeros_ } from '../init/fills.js';
import { orthogonal_ } from '../init/orthogonal.js';
import { resetG, type WeightNormConv2d, type WeightNormLinear } from '../layers/weight-normed.js';
import type { Module } from '../module/module.js';
import { blockStages, residualBlocks } from './blocks.js';
import { adaptLayers, batchOf, channelMoments, inverseDeviation, rescaleChannels } from './data-dependent.js';
import { firsts, type InitializeOptions, type InitializerEntry, isWeightNormed, weightLayers } from './stored.js';
import { drawAsTorch } from './torch-default.js';

type WeightNormed = WeightNormConv2d | WeightNormLinear;
const source = 'Arpit, Campos & Bengio, arXiv:1906.02341';

/** The weight-normalised layers; biases become 0, and layers without weight norm start as PyTorch starts them. */
function prepare(model: Module, name: string, { generator }: InitializeOptions): WeightNormed[] {
  const layers = weightLayers(model);
  const normed = layers.filter(isWeightNormed);
  if (normed.length === 0) throw new OpError(name, "sets weight-normalised layers and this model has none: make it with norm: 'weight'");
  const isFirst = firsts();
  for (const layer of layers)
    if (!isWeightNormed(layer)) drawAsTorch(layer, { generator, isFirst });
    else if (layer.bias) zeros_(layer.bias);
  return normed;
}

/** Directions with g = ‖v‖, as `weight_norm` of an initialised layer leaves it. */
function drawPlain(layers: readonly WeightNormed[], kind: 'he' | 'orthogonal', { generator }: InitializeOptions): void {
  const isFirst = firsts();
  for (const layer of layers) {
    if (isFirst(layer.weightV)) {
      if (kind === 'he') kaimingNormal_(layer.weightV, { nonlinearity: 'relu', generator });
      else orthogonal_(layer.weightV, { gain: Math.SQRT2, generator });
    }
    resetG(layer);
  }
}

/**
 * γ of every layer: 2 in a feed-forward net and for a block's first conv, 1 for shortcuts and a residual net's first layer, which
 * in the paper's own ResNet (plain-resnet) has 2.
 */
function gammas(
  model: Module,
  { arch }: InitializeOptions,
  layers: readonly WeightNormed[],
  lastConv: (place: { index: number; blocks: number }) => number,
) {
  const gamma = new Map<unknown, number>();
  if (residualBlocks(model).length > 0 && !arch.startsWith('plain-resnet')) gamma.set(layers[0], 1);
  for (const { block, index, blocks } of blockStages(model)) {
    gamma.set(block.lastConv, lastConv({ index, blocks }));
    gamma.set(block.shortcutConv, 1);
  }
  return (layer: WeightNormed): number => gamma.get(layer) ?? 2;
}

/** g = √(γ · fanIn / fanOut), for every output channel alike. */
function setProposedG(layers: readonly WeightNormed[], gamma: (layer: WeightNormed) => number): void {
  for (const layer of layers) {
    const { fanIn, fanOut } = calculateFanInAndFanOut(layer.weightV.shape);
    constant_(layer.weightG, Math.sqrt((gamma(layer) * fanIn) / fanOut));
  }
}

/** The strategies of one kind of direction. */
export function weightNorm(kind: 'he' | 'orthogonal'): readonly InitializerEntry[] {
  const drawn = kind === 'he' ? 'N(0, 2 / fanIn)' : 'orthogonal with gain √2';
  const direction = kind === 'he' ? 'N(0, 1 / fanIn)' : 'orthogonal';
  return [
    {
      name: `wn-${kind}`,
      description: `weight-normalised layers: v ${drawn}, g = ‖v‖, biases 0; others as PyTorch's default`,
      source,
      setsScales: true,
      initialize: (model, options) => drawPlain(prepare(model, `wn-${kind}`, options), kind, options),
    },
    {
      name: `wn-${kind}-datadep`,
      description: `as wn-${kind}, then layer by layer over one batch g = 1 / σ and b = −μ / σ of the outputs with g = 1, b = 0`,
      source: `Salimans & Kingma, arXiv:1602.07868, as in ${source}`,
      dataDependent: true,
      setsScales: true,
      initialize: (model, options) => {
        const batch = batchOf(`wn-${kind}-datadep`, options);
        const layers = prepare(model, `wn-${kind}-datadep`, options);
        drawPlain(layers, kind, options);
        for (const { weightG } of layers) constant_(weightG, 1);
        adaptLayers(model, batch, (layer, y) => {
          if (!isWeightNormed(layer)) return undefined;
          const { mean, variance } = channelMoments(y);
          const factor = inverseDeviation(variance);
          copyInto(layer.weightG, reshape(factor, layer.weightG.shape));
          if (layer.bias) copyInto(layer.bias, mul(mul(mean, factor), -1));
          return layer.bias ? rescaleChannels(y, { mean, factor }) : undefined;
        });
      },
    },
    {
      name: `wn-${kind}-proposed`,
      description: `v ${direction}, biases 0, g = √(γ fanIn / fanOut): γ = 2, 1 / blocks of the stage for a block's last conv, 1 for shortcuts and a residual net's first conv`,
      source,
      setsScales: true,
      initialize: (model, options) => {
        const layers = prepare(model, `wn-${kind}-proposed`, options);
        drawDirections(layers, kind, options);
        setProposedG(
          layers,
          gammas(model, options, layers, ({ blocks }) => 1 / blocks),
        );
      },
    },
  ];
}

function drawDirections(layers: readonly WeightNormed[], kind: 'he' | 'orthogonal', { generator }: InitializeOptions): void {
  const isFirst = firsts();
  for (const { weightV } of layers) {
    if (!isFirst(weightV)) continue;
    if (kind === 'orthogonal') orthogonal_(weightV, { generator });
    else normal_(weightV, { std: 1 / Math.sqrt(calculateFanInAndFanOut(weightV.shape).fanIn), generator });
  }
}

export const hanin: InitializerEntry = {
  name: 'wn-hanin',
  description: 'as wn-he-proposed, but a block’s last conv has γ = (0.9^b)², b the block’s place in its stage from 1',
  setsScales: true,
  source: `Hanin & Rolnick, arXiv:1803.01719, as in ${source}`,
  initialize: (model, options) => {
    const layers = prepare(model, 'wn-hanin', options);
    drawDirections(layers, 'he', options);
    setProposedG(
      layers,
      gammas(model, options, layers, ({ index }) => 0.9 ** (2 * index)),
    );
  },
};
