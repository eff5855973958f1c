import { add, mean, relu, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import {
  type Conv2d,
  type Conv2dLayerOptions,
  Linear,
  Module,
  type NormFactory,
  normConv2d,
  normFactory,
  type ResidualBlock,
  type ResidualBranch,
  Sequential,
} from '@initlab/nn';
import { checkChannels } from './check-width.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';
import { stageBlocks } from './stage-blocks.js';

interface WideOptions extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly stride: number;
  readonly norm: NormFactory;
}

/** conv-ReLU-conv + shortcut, no ReLU after the sum; with norms pre-activation, the shortcut then reads bn1(x). */
export class WideBlock extends Module implements ResidualBlock {
  bn1: Module | undefined;
  conv1: Conv2d;
  bn2: Module | undefined;
  conv2: Conv2d;
  shortcut: Conv2d | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: WideOptions,
  ) {
    super();
    checkOptions('WideBlock', options, ['stride', 'norm', 'device', 'generator']);
    const { stride, norm, device, generator } = options;
    const convolution = (from: number, to: number, own: Conv2dLayerOptions): Conv2d =>
      normConv2d(norm, from, to, { ...own, device, generator });
    const layer = (channels: number): Module | undefined => (norm.inWeights ? undefined : norm(channels, { device }));
    this.bn1 = layer(inChannels);
    this.conv1 = convolution(inChannels, outChannels, { kernelSize: 3, stride, padding: 1 });
    this.bn2 = layer(outChannels);
    this.conv2 = convolution(outChannels, outChannels, { kernelSize: 3, padding: 1 });
    this.shortcut = inChannels !== outChannels || stride > 1 ? convolution(inChannels, outChannels, { kernelSize: 1, stride }) : undefined;
  }

  /** No norm ends the branch: initialisations that zero a block's last norm find none here. */
  get residualBranch(): ResidualBranch {
    return { kind: 'basic', lastConv: this.conv2, lastNorm: undefined, shortcutConv: this.shortcut };
  }

  override forward(x: Tensor): Tensor {
    const normed = this.bn1 ? this.bn1.forward(x) : x;
    const carried = this.shortcut ? this.shortcut.forward(normed) : x;
    const first = this.conv1.forward(this.bn1 ? relu(normed) : x);
    return add(this.conv2.forward(relu(this.bn2 ? this.bn2.forward(first) : first)), carried);
  }
}

/** Options of `WideResNet`. */
export interface WideResNetOptions extends ModelOptions {
  /** Stride 2 in the first convolution. */
  readonly reducedMemory?: boolean;
  /** A norm after the first convolution and one before the pooling, neither with a ReLU behind it: the ResNet of arXiv:1906.02341. */
  readonly outerNorms?: boolean;
}

/** Wide ResNet of 6n + 4 layers as in arXiv:1906.02341: biases in the convolutions, no ReLU after conv1. */
export class WideResNet extends Module {
  conv1: Conv2d;
  bn1: Module | undefined;
  conv2: Sequential;
  conv3: Sequential;
  conv4: Sequential;
  bn2: Module | undefined;
  finalLayer: Linear;

  constructor(
    readonly depth: number,
    readonly width: number,
    options: WideResNetOptions = {},
  ) {
    super();
    checkOptions('WideResNet', options, ['numClasses', 'norm', 'device', 'generator', 'reducedMemory', 'outerNorms']);
    const blocks = stageBlocks(depth, { extra: 4, named: (layers) => `wrn${layers}-${width}` });
    const { numClasses = 10, device, generator } = options;
    checkChannels('WideResNet', { width, numClasses });
    const norm = normFactory(options.norm ?? 'batch');
    const common = { norm, device, generator };
    this.conv1 = normConv2d(norm, 3, 16, { kernelSize: 3, stride: options.reducedMemory ? 2 : 1, padding: 1, device, generator });
    const outer = (channels: number): Module | undefined =>
      options.outerNorms && !norm.inWeights ? norm(channels, { device }) : undefined;
    this.bn1 = outer(16);
    const stage = (from: number, to: number, stride: number): Sequential =>
      new Sequential(
        ...Array.from({ length: blocks }, (_, b) => new WideBlock(b === 0 ? from : to, to, { stride: b === 0 ? stride : 1, ...common })),
      );
    this.conv2 = stage(16, 16 * width, 1);
    this.conv3 = stage(16 * width, 32 * width, 2);
    this.conv4 = stage(32 * width, 64 * width, 2);
    this.bn2 = outer(64 * width);
    this.finalLayer = new Linear(64 * width, numClasses, { device, generator });
  }

  override forward(x: Tensor): Tensor {
    const normed = (h: Tensor, norm: Module | undefined): Tensor => (norm ? norm.forward(h) : h);
    const first = normed(this.conv1.forward(x), this.bn1);
    const features = this.conv4.forward(this.conv3.forward(this.conv2.forward(first)));
    return this.finalLayer.forward(mean(normed(features, this.bn2), { dims: [2, 3] }));
  }
}

export const wideResNetEntry: ModelEntry = {
  name: 'wrn<6n+4>-<width>',
  description: 'wide ResNet with norms (pre-activation) or weight norm (norm "weight"); -reduced: the first convolution has stride 2',
  source: 'Zagoruyko & Komodakis, arXiv:1605.07146, as in arXiv:1906.02341',
  examples: ['wrn16-2', 'wrn28-10', 'wrn40-10'],
  create: (name, options) => {
    const found = /^wrn(\d+)-(\d+)(-reduced)?$/.exec(name);
    return found ? new WideResNet(Number(found[1]), Number(found[2]), { ...options, reducedMemory: found[3] !== undefined }) : undefined;
  },
};
export const plainResNetEntry: ModelEntry = {
  name: 'plain-resnet<6n+2>',
  description:
    'the ResNet of arXiv:1906.02341: wide ResNet of width 1, counted as 6n + 2, with weight norm or with norms, also behind the first convolution and before the pooling',
  source: 'Arpit, Campos & Bengio, arXiv:1906.02341',
  examples: ['plain-resnet56', 'plain-resnet110'],
  create: (name, options) => {
    const depth = /^plain-resnet(\d+)$/.exec(name)?.[1];
    if (depth === undefined) return undefined;
    stageBlocks(Number(depth), { extra: 2, named: (layers) => `plain-resnet${layers}` });
    return new WideResNet(Number(depth) + 2, 1, { ...options, outerNorms: true });
  },
};
