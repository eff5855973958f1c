import { add, gelu, imagesOfRows, mean, mul, OpError, pixelRows, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import {
  type Conv2d,
  DropPath,
  Flatten,
  GELU,
  Identity,
  isWeightNormed,
  Linear,
  Module,
  type NormFactory,
  normConv2d,
  normFactory,
  Parameter,
  resetG,
  Sequential,
  truncNormal_,
  WeightNormLinear,
  weightLayers,
  zeros_,
} from '@initlab/nn';
import { checkWidth, scaledChannels } from './check-width.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';

interface BlockOptions extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly norm: NormFactory;
  /** Probability that training leaves out the branch, image by image. */
  readonly dropPath: number;
}

/** What a block adds: its layers by torchvision's numbers. */
class Branch extends Sequential {
  constructor(
    private readonly depthwise: Conv2d,
    private readonly norm: Module,
    private readonly expand: Linear,
    private readonly project: Linear,
  ) {
    // Where torchvision permutes, nothing is to be done here: pixels lie one after another.
    super(depthwise, new Identity(), norm, expand, new GELU(), project, new Identity());
  }
  override forward(x: Tensor): Tensor {
    const normed = this.norm.forward(this.depthwise.forward(x));
    const hidden = gelu(this.expand.forward(pixelRows(normed)));
    return imagesOfRows(this.project.forward(hidden), x.shape);
  }
}

/**
 * Depthwise 7×7 convolution, norm, and two linear layers over the channels of each pixel, to four times as many and back, with a GELU
 * between; times a learned factor per channel, 1e-6 at first, added to the input (torchvision's `CNBlock` and its keys).
 */
export class ConvNeXtBlock extends Module {
  /** [C, 1, 1]. */
  layerScale: Parameter;
  block: Sequential;
  dropPath: DropPath;

  constructor(
    readonly channels: number,
    options: BlockOptions,
  ) {
    super();
    checkOptions('ConvNeXtBlock', options, ['norm', 'dropPath', 'device', 'generator']);
    const { norm, dropPath, device, generator } = options;
    const depthwise = normConv2d(norm, channels, channels, { kernelSize: 7, padding: 3, groups: channels, device, generator });
    const Layer = norm.inWeights ? WeightNormLinear : Linear;
    const linear = (from: number, to: number): Linear => new Layer(from, to, { device, generator });
    this.layerScale = new Parameter([channels, 1, 1], { device, value: 1e-6 });
    this.block = new Branch(depthwise, norm(channels, { device }), linear(channels, 4 * channels), linear(4 * channels, channels));
    this.dropPath = new DropPath(dropPath, { generator });
  }

  override forward(x: Tensor): Tensor {
    return add(this.dropPath.forward(mul(this.block.forward(x), this.layerScale)), x);
  }
}

/** Blocks and channels of the four stages, and the last block's probability to be left out. */
const variants = {
  tiny: { blocks: [3, 3, 9, 3], channels: [96, 192, 384, 768], stochasticDepth: 0.1 },
  small: { blocks: [3, 3, 27, 3], channels: [96, 192, 384, 768], stochasticDepth: 0.4 },
} as const;
type Variant = keyof typeof variants;

/** Options of `ConvNeXt`. */
export interface ConvNeXtOptions extends ModelOptions {
  /** Times all channels; default 1. A fraction makes a net to try things out on. */
  readonly width?: number | undefined;
  /** Probability that training leaves out the last block's branch; it rises to that from 0 in the first. Default: the variant's. */
  readonly stochasticDepth?: number | undefined;
}

/**
 * ConvNeXt for images of 224×224 (any from 32×32): layer norm over channels, layer scale, stochastic depth (Liu et al.,
 * arXiv:2201.03545). Torchvision's keys and initialisation: weights N(0, 0.02²) within ±2, biases 0.
 */
export class ConvNeXt extends Module {
  features: Sequential;
  classifier: Sequential;

  constructor(
    readonly variant: Variant,
    options: ConvNeXtOptions = {},
  ) {
    super();
    const settings = Object.hasOwn(variants, variant) ? variants[variant] : undefined;
    if (!settings) throw new OpError('ConvNeXt', `comes as ${Object.keys(variants).join(', ')}, got ${String(variant)}`);
    checkOptions('ConvNeXt', options, ['width', 'stochasticDepth', 'numClasses', 'norm', 'device', 'generator']);
    const { width: factor = 1, stochasticDepth = settings.stochasticDepth, numClasses = 1000, device, generator } = options;
    checkWidth('ConvNeXt', factor);
    checkNumber('ConvNeXt', { stochasticDepth }, { from: 0, to: 1 });
    const norm = normFactory(options.norm ?? channelLayerNorm);
    const conv = (from: number, to: number, kernel: number): Conv2d =>
      normConv2d(norm, from, to, { kernelSize: kernel, stride: kernel, device, generator });
    const widths = settings.channels.map((channels) => scaledChannels(channels, factor));
    const last = settings.blocks.reduce((a, b) => a + b, -1);
    let made = 0;
    let channels = 3;
    const layers: Module[] = [];
    for (const [i, width] of widths.entries()) {
      layers.push(
        i === 0
          ? new Sequential(conv(channels, width, 4), norm(width, { device }))
          : new Sequential(norm(channels, { device }), conv(channels, width, 2)),
      );
      channels = width;
      const blocks = Array.from(
        { length: settings.blocks[i] ?? 0 },
        () => new ConvNeXtBlock(width, { norm, dropPath: (stochasticDepth * made++) / last, device, generator }),
      );
      layers.push(new Sequential(...blocks));
    }
    this.features = new Sequential(...layers);
    this.classifier = new Sequential(norm(channels, { device }), new Flatten(), new Linear(channels, numClasses, { device, generator }));
    for (const layer of weightLayers(this)) {
      truncNormal_(layer.weight, { std: 0.02, generator });
      if (layer.bias) zeros_(layer.bias);
      if (isWeightNormed(layer)) resetG(layer);
    }
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(mean(this.features.forward(x), { dims: [2, 3], keepdim: true }));
  }
}

const channelLayerNorm = 'channel-layer';
export const convNextEntry: ModelEntry = {
  name: 'imagenet-convnext-<tiny|small>',
  description: 'torchvision’s ConvNeXt for images of 224×224, with its keys; imagenet-convnext-tiny-x0.125 has an eighth of the channels',
  source: 'Liu et al., arXiv:2201.03545, as in torchvision',
  imageSize: 224,
  norm: channelLayerNorm,
  pattern: /^imagenet-convnext/,
  examples: ['imagenet-convnext-tiny'],
  create: (name, options) => {
    const [, variant, width = '1'] = /^imagenet-convnext-(tiny|small)(?:-x(\d*\.?\d+))?$/.exec(name) ?? [];
    return variant === 'tiny' || variant === 'small' ? new ConvNeXt(variant, { ...options, width: Number(width) }) : undefined;
  },
};
