import { avgPool2d, cat, maxPool2d, mean, OpError, relu, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import {
  type Conv2d,
  kaimingNormal_,
  Linear,
  Module,
  ModuleDict,
  type NormFactory,
  normConv2d,
  normFactory,
  type RenamesOnLoad,
  zeros_,
} from '@initlab/nn';
import { checkChannels, checkWidth, scaledChannels } from './check-width.js';
import { drawConvolutions } from './draw-convolutions.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';
import { stageBlocks } from './stage-blocks.js';

interface Common extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly norm: NormFactory;
}
/** Channels between a layer's two convolutions, for each that it adds (the B of DenseNet-BC). */
const bottleneck = 4;

/** Norm, ReLU, 1×1 convolution, norm, ReLU, 3×3 convolution: [N, C, H, W] → the `growth` channels that it adds. */
class DenseLayer extends Module {
  norm1: Module;
  conv1: Conv2d;
  norm2: Module;
  conv2: Conv2d;

  constructor(inChannels: number, growth: number, { norm, device, generator }: Common) {
    super();
    const width = bottleneck * growth;
    this.norm1 = norm(inChannels, { device });
    this.conv1 = normConv2d(norm, inChannels, width, { kernelSize: 1, bias: false, device, generator });
    this.norm2 = norm(width, { device });
    this.conv2 = normConv2d(norm, width, growth, { kernelSize: 3, padding: 1, bias: false, device, generator });
  }

  override forward(x: Tensor): Tensor {
    const h = this.conv1.forward(relu(this.norm1.forward(x)));
    return this.conv2.forward(relu(this.norm2.forward(h)));
  }
}

/** Layers each of which sees the channels of all before it. */
class DenseBlock extends ModuleDict {
  override forward(x: Tensor): Tensor {
    return this.keys().reduce((h, key) => cat([h, this.get(key).forward(h)], { dim: 1 }), x);
  }
}

/** Norm, ReLU, 1×1 convolution to half the channels (the C of DenseNet-BC), pooling of 2×2. */
class Transition extends Module {
  norm: Module;
  conv: Conv2d;

  constructor(from: number, to: number, { norm, device, generator }: Common) {
    super();
    this.norm = norm(from, { device });
    this.conv = normConv2d(norm, from, to, { kernelSize: 1, bias: false, device, generator });
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(this.conv.forward(relu(this.norm.forward(x))), { kernelSize: 2 });
  }
}

/** Options of `DenseNet`. */
export interface DenseNetOptions extends ModelOptions {
  /** Channels that each layer adds. */
  readonly growth: number;
  /** Channels of the first convolution. Default: twice the growth. */
  readonly initChannels?: number | undefined;
  /** A 7×7 convolution and a max pooling first, which take images to a quarter, in place of a 3×3 convolution. Default false. */
  readonly largeImages?: boolean | undefined;
}
const optionNames = ['growth', 'initChannels', 'largeImages', 'numClasses', 'norm', 'device', 'generator'] as const;

/**
 * DenseNet-BC with so many layers in each block (Huang et al., arXiv:1608.06993). Torchvision's keys, the older `norm.1` of published
 * files too, and its initialisation: convolutions N(0, 2 / fanIn), the classifier PyTorch's own with biases 0.
 */
export class DenseNet extends Module implements RenamesOnLoad {
  features: ModuleDict;
  classifier: Linear;

  constructor(
    readonly blockLayers: readonly number[],
    options: DenseNetOptions,
  ) {
    super();
    checkOptions('DenseNet', options, optionNames);
    const { growth, initChannels = 2 * growth, largeImages = false, numClasses = 10, device, generator } = options;
    if (!Array.isArray(blockLayers))
      throw new OpError('DenseNet', 'takes the layers of each block as a list: new DenseNet([6, 12, 24, 16], …)');
    checkChannels('DenseNet', { growth, initChannels, numClasses });
    const norm = normFactory(options.norm ?? 'batch');
    const common = { norm, device, generator };
    const stem = largeImages ? { kernelSize: 7, stride: 2, padding: 3 } : { kernelSize: 3, padding: 1 };
    this.features = new ModuleDict({ conv0: normConv2d(norm, 3, initChannels, { ...stem, bias: false, device, generator }) });
    if (largeImages) this.features.set('norm0', norm(initChannels, { device }));
    let channels = initChannels;
    for (const [i, layers] of blockLayers.entries()) {
      const block = new DenseBlock();
      for (let layer = 1; layer <= layers; layer++, channels += growth)
        block.set(`denselayer${layer}`, new DenseLayer(channels, growth, common));
      this.features.set(`denseblock${i + 1}`, block);
      if (i + 1 === blockLayers.length) continue;
      const half = Math.max(1, Math.floor(channels / 2));
      this.features.set(`transition${i + 1}`, new Transition(channels, half, common));
      channels = half;
    }
    this.features.set('norm5', norm(channels, { device }));
    this.classifier = new Linear(channels, numClasses, { device, generator });
    drawConvolutions(this, (weight) => kaimingNormal_(weight, { generator }));
    if (this.classifier.bias) zeros_(this.classifier.bias);
  }

  /** Files published before torchvision 0.3 say `norm.1` for `norm1`. */
  nameOnLoad(name: string): string {
    return name.replace(/^(.*denselayer\d+\.(?:norm|conv))\.([12]\.)/, '$1$2');
  }

  override forward(x: Tensor): Tensor {
    const { features } = this;
    const last = (h: Tensor): Tensor => relu(features.get('norm5').forward(h));
    const first = features.get('conv0').forward(x);
    const stem = features.has('norm0')
      ? maxPool2d(relu(features.get('norm0').forward(first)), { kernelSize: 3, stride: 2, padding: 1 })
      : first;
    const parts = features.keys().filter((key) => /^(denseblock|transition)/.test(key));
    return this.classifier.forward(mean(last(parts.reduce((h, key) => features.get(key).forward(h), stem)), { dims: [2, 3] }));
  }
}

/** Layers of each block, growth and first channels of torchvision's. */
const imagenet: Readonly<Record<number, readonly [blocks: readonly number[], growth: number, initChannels: number]>> = {
  121: [[6, 12, 24, 16], 32, 64],
  161: [[6, 12, 36, 24], 48, 96],
  169: [[6, 12, 32, 32], 32, 64],
  201: [[6, 12, 48, 32], 32, 64],
};
const source = 'Huang et al., arXiv:1608.06993';

export const denseNetImageNetEntry: ModelEntry = {
  name: 'imagenet-densenet<121|161|169|201>',
  description: 'torchvision’s DenseNet for images of 224×224, with its keys; imagenet-densenet121-x0.25 has a quarter of the growth',
  source: `${source}, as in torchvision`,
  imageSize: 224,
  pattern: /^imagenet-densenet/,
  examples: ['imagenet-densenet121'],
  create: (name, options) => {
    const [, depth, width = '1'] = /^imagenet-densenet(\d+)(?:-x(\d*\.?\d+))?$/.exec(name) ?? [];
    if (depth === undefined) return undefined;
    const found = imagenet[Number(depth)];
    if (!found) throw new OpError('DenseNet', `ImageNet's DenseNets have ${Object.keys(imagenet).join(', ')} layers, got ${depth}`);
    const [blocks, growth, initChannels] = found;
    checkWidth('DenseNet', Number(width));
    const sizes = { growth: scaledChannels(growth, Number(width)), initChannels: scaledChannels(initChannels, Number(width)) };
    return new DenseNet(blocks, { numClasses: 1000, ...options, ...sizes, largeImages: true });
  },
};

export const denseNetCifarEntry: ModelEntry = {
  name: 'densenet-bc-<6n+4>-<growth>',
  description: 'DenseNet-BC for 32×32 images: three blocks of n layers that each add so many channels',
  source,
  examples: ['densenet-bc-100-12'],
  create: (name, options) => {
    const [, depth, growth] = /^densenet-bc-(\d+)-(\d+)$/.exec(name) ?? [];
    if (depth === undefined) return undefined;
    const layers = stageBlocks(Number(depth), { extra: 4, named: (n) => `densenet-bc-${n}-${growth}` });
    return new DenseNet([layers, layers, layers], { ...options, growth: Number(growth) });
  },
};
