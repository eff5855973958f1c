import { defaultGenerator, type Generator } from '@initlab/core';
import { type KaimingOptions, kaimingStd, normal_, ones_, zeros_ } from '../init/fills.js';
import { deltaOrthogonal_, orthogonal_ } from '../init/orthogonal.js';
import { Conv2d } from '../layers/conv2d.js';
import type { Linear } from '../layers/linear.js';
import type { Module } from '../module/module.js';
import { affineNorms, residualBlocks } from './blocks.js';
import { drawnLayers, type InitializeOptions, type InitializerEntry, weightLayers } from './stored.js';

/** A layer with a weight that strategies draw. */
export type Layer = Conv2d | Linear;
const bench = 'MLS-Bench dl-weight-initialization';

/** Biases 0, norms weight 1 and the given bias. */
export function resetOthers(model: Module, normBias = 0): void {
  for (const { bias } of weightLayers(model)) if (bias) zeros_(bias);
  for (const { weight, bias } of affineNorms(model)) {
    ones_(weight);
    bias?.set(new Float32Array(bias.size).fill(normBias));
  }
}

/** Standard deviation of the benchmark's Kaiming: fan out for convolutions, fan in for linear layers, ReLU gain. */
const designStd = (layer: Layer): number => {
  const options: KaimingOptions = { mode: layer instanceof Conv2d ? 'fanOut' : 'fanIn', nonlinearity: 'relu' };
  return kaimingStd(layer.weight.shape, options);
};

/** Kaiming as the benchmark has it, every layer's standard deviation times `factor`. */
export function kaiming(model: Module, { generator }: InitializeOptions, factor: (layer: Layer) => number = () => 1): void {
  resetOthers(model);
  for (const layer of drawnLayers(model)) normal_(layer.weight, { std: designStd(layer) * factor(layer), generator });
}

/** Place of a layer among the convolutions, from 0; −1 for linear layers. */
export function convIndex(model: Module): (layer: Layer) => number {
  const convs = weightLayers(model).filter((layer) => layer instanceof Conv2d);
  return (layer) => convs.indexOf(layer as Conv2d);
}

export const initDesign: readonly InitializerEntry[] = [
  {
    name: 'kaiming',
    description: "the benchmark's kaiming: conv N(0, 2 / fanOut), linear N(0, 2 / fanIn), biases 0, norms 1 / 0",
    source: `${bench}; He et al., arXiv:1502.01852`,
    initialize: (model, options) => kaiming(model, options),
  },
  {
    name: 'orthogonal',
    description: 'conv and linear orthogonal with gain √2, biases 0, norms 1 / 0',
    source: `${bench}; Saxe et al., arXiv:1312.6120`,
    initialize: (model, { generator }) => {
      resetOthers(model);
      for (const { weight } of drawnLayers(model)) orthogonal_(weight, { gain: Math.SQRT2, generator });
    },
  },
  {
    name: 'delta-orthogonal',
    description: 'convs with a kernel larger than 1×1 and out ≥ in: orthogonal at the centre, gain √2; all others orthogonal with gain √2',
    source: 'Xiao et al., arXiv:1806.05393',
    initialize: (model, { generator }) => {
      resetOthers(model);
      for (const { weight } of drawnLayers(model)) {
        const [out = 0, inputs = 0, height = 1, width = 1] = weight.shape;
        const delta = weight.ndim === 4 && height * width > 1 && out >= inputs;
        (delta ? deltaOrthogonal_ : orthogonal_)(weight, { gain: Math.SQRT2, generator });
      }
    },
  },
  {
    name: 'lecun',
    description: 'conv and linear N(0, 1 / fanIn), biases 0, norms 1 / 0',
    source: 'LeCun et al. 1998, "Efficient BackProp"',
    initialize: (model, { generator }) => {
      resetOthers(model);
      for (const { weight } of drawnLayers(model))
        normal_(weight, { std: kaimingStd(weight.shape, { nonlinearity: 'linear' }), generator });
    },
  },
  {
    name: 'scaffold',
    description: 'conv and linear N(0, 0.01²), biases 0, norms 1 / 0',
    source: bench,
    initialize: (model, { generator }) => {
      resetOthers(model);
      for (const { weight } of drawnLayers(model)) normal_(weight, { std: 0.01, generator });
    },
  },
  {
    name: 'zero-gamma',
    description: 'kaiming, then the weight of every BasicBlock’s last norm 0',
    source: 'Goyal et al., arXiv:1706.02677, §5.1',
    initialize: (model, options) => {
      kaiming(model, options);
      zeroLastNorms(model, ['basic']);
    },
  },
  {
    name: 'fixup-bn',
    description: 'kaiming; ResNets only: last conv of every BasicBlock × blocks^−½, its norm’s weight 0',
    source: `${bench}; after Zhang et al., arXiv:1901.09321`,
    initialize: (model, options) => {
      const blocks = residualBlocks(model).filter((block) => block.kind === 'basic');
      const last = new Set<Layer>(blocks.map((block) => block.lastConv));
      kaiming(model, options, (layer) => (last.has(layer) ? blocks.length ** -0.5 : 1));
      zeroLastNorms(model, ['basic']);
    },
  },
  {
    name: 'fixup++',
    description:
      'kaiming; on residual nets 1×1 convs × √½, last conv of every block that adds its input × blocks^−½, the norm after it weight 0',
    source: bench,
    initialize: (model, options) => {
      const blocks = residualBlocks(model);
      const last = new Set<Layer>(blocks.map((block) => block.lastConv));
      const point = (layer: Layer): boolean => blocks.length > 0 && layer instanceof Conv2d && layer.kernelSize.every((k) => k === 1);
      kaiming(model, options, (layer) => (point(layer) ? Math.SQRT1_2 : 1) * (last.has(layer) ? blocks.length ** -0.5 : 1));
      zeroLastNorms(model, ['basic', 'inverted']);
    },
  },
  {
    name: 'rbb',
    description: 'as fixup++, but shortcut convs × blocks^−½ in place of √½ on 1×1 convs',
    source: bench,
    initialize: (model, options) => {
      const blocks = residualBlocks(model);
      const scaled = new Set<Layer | undefined>(blocks.flatMap((block) => [block.lastConv, block.shortcutConv]));
      kaiming(model, options, (layer) => (scaled.has(layer) ? blocks.length ** -0.5 : 1));
      zeroLastNorms(model, ['basic', 'inverted']);
    },
  },
  {
    name: 'davs',
    description: 'kaiming, the i-th conv divided by (1 + i / depth)^¼',
    source: bench,
    initialize: (model, options) => {
      const index = convIndex(model);
      kaiming(model, options, (layer) => (index(layer) < 0 ? 1 : (1 + index(layer) / options.depth) ** -0.25));
    },
  },
  {
    name: 'dars',
    description: 'kaiming, norms 1 / 0.01; on resnet* and mobilenetv2 the i-th conv divided by √(1 + i / depth)',
    source: bench,
    initialize: (model, options) => {
      const index = convIndex(model);
      const residual = /^(resnet|mobilenetv2)/.test(options.arch);
      kaiming(model, options, (layer) => (residual && index(layer) >= 0 ? (1 + index(layer) / options.depth) ** -0.5 : 1));
      resetOthers(model, 0.01);
    },
  },
  {
    name: 'ravs',
    description:
      'every conv and linear rescaled to an exact standard deviation of √2 / √(1 + i / depth), norms 1 / 0.01; diverges: the documented failure',
    source: bench,
    initialize: (model, { depth, generator }) => {
      resetOthers(model, 0.01);
      drawnLayers(model).forEach((layer, i) => setExactStd(layer, Math.SQRT2 / Math.sqrt(1 + i / depth), generator));
    },
  },
];

/** Normal values scaled so that their own standard deviation is `std` (the fan drops out of the scaling). */
function setExactStd({ weight }: Layer, std: number, generator: Generator = defaultGenerator()): void {
  const values = Float64Array.from({ length: weight.size }, () => generator.normal());
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const own = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, values.length - 1));
  weight.set(values.map((v) => (v * std) / own));
}

function zeroLastNorms(model: Module, kinds: readonly string[]): void {
  for (const { kind, lastNorm } of residualBlocks(model)) {
    const gamma = lastNorm && affineNorms(lastNorm)[0]?.weight;
    if (gamma && kinds.includes(kind)) zeros_(gamma);
  }
}
