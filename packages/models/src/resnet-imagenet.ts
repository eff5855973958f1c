import { maxPool2d, mean, OpError, relu, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import { type Conv2d, kaimingNormal_, Linear, Module, normConv2d, normFactory, Sequential } from '@initlab/nn';
import { checkWidth, scaledChannels } from './check-width.js';
import { drawConvolutions } from './draw-convolutions.js';
import { bottleneckExpansion, ImageNetBasicBlock, ImageNetBottleneck } from './imagenet-blocks.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';

/** Blocks of each of the four stages. */
const stages: Readonly<Record<number, readonly [number, number, number, number]>> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};
/** From this depth on blocks are bottlenecks. */
const leastBottleneckDepth = 50;

/** Options of `ResNetImageNet`. */
export interface ResNetImageNetOptions extends ModelOptions {
  /** Times all channels; default 1. A fraction makes a net to try things out on. */
  readonly width?: number;
}

/**
 * ResNet-18, 34, 50, 101 or 152 for images of 224×224 (any from 32×32): a 7×7 convolution and a max pooling take the images down to a
 * quarter, four stages to a 32nd. Torchvision's keys and initialisation: convolutions N(0, 2 / fanOut), the classifier PyTorch's own.
 */
export class ResNetImageNet extends Module {
  conv1: Conv2d;
  bn1: Module;
  layer1: Sequential;
  layer2: Sequential;
  layer3: Sequential;
  layer4: Sequential;
  fc: Linear;

  constructor(
    readonly depth: number,
    options: ResNetImageNetOptions = {},
  ) {
    super();
    checkOptions('ResNetImageNet', options, ['numClasses', 'norm', 'width', 'device', 'generator']);
    const blocks = stages[depth];
    if (!blocks) throw new OpError('ResNetImageNet', `ImageNet's ResNets have ${Object.keys(stages).join(', ')} layers, got ${depth}`);
    const { numClasses = 1000, width: factor = 1, device, generator } = options;
    checkWidth('ResNetImageNet', factor);
    const norm = normFactory(options.norm ?? 'batch');
    const [Block, expansion] = depth < leastBottleneckDepth ? [ImageNetBasicBlock, 1] : [ImageNetBottleneck, bottleneckExpansion];
    let channels = scaledChannels(64, factor);
    this.conv1 = normConv2d(norm, 3, channels, { kernelSize: 7, stride: 2, padding: 3, bias: false, device, generator });
    this.bn1 = norm(channels, { device });
    const stage = (i: 0 | 1 | 2 | 3): Sequential => {
      const out = expansion * scaledChannels(64 * 2 ** i, factor);
      const layers = Array.from({ length: blocks[i] }, (_, b) => {
        const stride = i > 0 && b === 0 ? 2 : 1;
        return new Block(b === 0 ? channels : out, out, { stride, norm, device, generator });
      });
      channels = out;
      return new Sequential(...layers);
    };
    this.layer1 = stage(0);
    this.layer2 = stage(1);
    this.layer3 = stage(2);
    this.layer4 = stage(3);
    this.fc = new Linear(channels, numClasses, { device, generator });
    drawConvolutions(this, (weight) => kaimingNormal_(weight, { mode: 'fanOut', nonlinearity: 'relu', generator }));
  }

  override forward(x: Tensor): Tensor {
    const h = maxPool2d(relu(this.bn1.forward(this.conv1.forward(x))), { kernelSize: 3, stride: 2, padding: 1 });
    const features = this.layer4.forward(this.layer3.forward(this.layer2.forward(this.layer1.forward(h))));
    return this.fc.forward(mean(features, { dims: [2, 3] }));
  }
}

export const resNetImageNetEntry: ModelEntry = {
  name: 'imagenet-resnet<18|34|50|101|152>',
  description: 'torchvision’s ResNet for images of 224×224, with its keys; imagenet-resnet18-x0.125 has an eighth of the channels',
  source: 'He et al., arXiv:1512.03385, as in torchvision',
  imageSize: 224,
  pattern: /^imagenet-resnet/,
  examples: ['imagenet-resnet18', 'imagenet-resnet34', 'imagenet-resnet50'],
  create: (name, options) => {
    const found = /^imagenet-resnet(\d+)(?:-x(\d*\.?\d+))?$/.exec(name);
    return found ? new ResNetImageNet(Number(found[1]), { ...options, width: Number(found[2] ?? 1) }) : undefined;
  },
};
