import { add, mean, OpError, relu, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import {
  Conv2d,
  DropPath,
  Identity,
  Linear,
  Module,
  type NormFactory,
  normConv2d,
  normFactory,
  type Parameter,
  type ResidualBlock,
  type ResidualBranch,
  Sequential,
} from '@initlab/nn';
import type { ModelEntry, ModelOptions } from './model-entry.js';
import { scaledBranch, setScaleOf } from './scaled-branch.js';
import { stageBlocks } from './stage-blocks.js';

interface BlockOptions extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly stride: number;
  readonly norm: NormFactory;
  /** Probability that training leaves out the branch, image by image; default 0. */
  readonly dropPath?: number | undefined;
}

/** Two 3×3 convolutions and a shortcut, ReLU after the sum (He et al., arXiv:1512.03385). */
export class BasicBlock extends Module implements ResidualBlock {
  conv1: Conv2d;
  bn1: Module;
  conv2: Conv2d;
  bn2: Module;
  /** Empty where the shapes agree, else a 1×1 convolution and a norm (type B). */
  shortcut: Module;
  dropPath: DropPath | undefined;
  /** Learned factor of the branch, [1] or [C]; some initialisations add it. */
  residualScale: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: BlockOptions,
  ) {
    super();
    checkOptions('BasicBlock', options, ['stride', 'norm', 'dropPath', 'device', 'generator']);
    const { stride, norm, dropPath = 0, device, generator } = options;
    const conv = { bias: false, device, generator };
    this.conv1 = normConv2d(norm, inChannels, outChannels, { kernelSize: 3, stride, padding: 1, ...conv });
    this.bn1 = norm(outChannels, { device });
    this.conv2 = normConv2d(norm, outChannels, outChannels, { kernelSize: 3, padding: 1, ...conv });
    this.bn2 = norm(outChannels, { device });
    const same = inChannels === outChannels && stride === 1;
    this.shortcut = same
      ? new Identity()
      : new Sequential(normConv2d(norm, inChannels, outChannels, { kernelSize: 1, stride, ...conv }), norm(outChannels, { device }));
    this.dropPath = dropPath > 0 ? new DropPath(dropPath, { generator }) : undefined;
  }

  get residualBranch(): ResidualBranch {
    return {
      kind: 'basic',
      lastConv: this.conv2,
      lastNorm: this.bn2,
      shortcutConv: this.shortcut.modules().find((m) => m instanceof Conv2d),
      setScale: setScaleOf(this),
    };
  }

  override forward(x: Tensor): Tensor {
    const h = relu(this.bn1.forward(this.conv1.forward(x)));
    const branch = scaledBranch(this.bn2.forward(this.conv2.forward(h)), this.residualScale);
    return relu(add(this.dropPath ? this.dropPath.forward(branch) : branch, this.shortcut.forward(x)));
  }
}

/** The name that makes a net of so many layers. */
const cifarName = (layers: number): string => `${imagenetDepths.has(layers) ? 'cifar-' : ''}resnet${layers}`;
const stochasticName = (layers: number): string => `stochastic-depth-resnet${layers}`;
/** Depths that a name without "cifar-" has in ImageNet's nets, and everywhere else. */
const imagenetDepths: ReadonlySet<number> = new Set([18, 34, 50, 101, 152, 200]);
function imagenet(depth: number): string {
  const below = depth - ((depth - 2) % 6);
  const cifar =
    below === depth
      ? `${cifarName(depth)} makes the CIFAR net`
      : `the nearest CIFAR nets are ${cifarName(below)} and ${cifarName(below + 6)}`;
  const here = depth === 200 ? 'which is not here' : `which is imagenet-resnet${depth} here`;
  return `resnet${depth} is ImageNet's net elsewhere, ${here}; ${cifar} of 6n + 2 layers`;
}

/** Options of `ResNetCifar`. */
export interface ResNetCifarOptions extends ModelOptions {
  /**
   * Probability that training leaves out the last block's branch; before it, it rises from 0 by equal steps, block by block (stochastic
   * depth with linear decay, arXiv:1603.09382). Drawn for each image, what stays is divided by the probability of that, so that
   * evaluation needs no factors; the paper draws for the batch and has factors then. Default 0.
   */
  readonly stochasticDepth?: number | undefined;
}

/** CIFAR ResNet of 6n + 2 layers: 16, 32, 64 channels, post-activation, global average pooling. */
export class ResNetCifar extends Module {
  conv1: Conv2d;
  bn1: Module;
  layer1: Sequential;
  layer2: Sequential;
  layer3: Sequential;
  fc: Linear;

  constructor(
    readonly depth: number,
    options: ResNetCifarOptions = {},
  ) {
    super();
    checkOptions('ResNetCifar', options, ['stochasticDepth', 'numClasses', 'norm', 'device', 'generator']);
    const { stochasticDepth = 0, numClasses = 10, device, generator } = options;
    checkNumber('ResNetCifar', { stochasticDepth }, { from: 0, to: 1 });
    const blocks = stageBlocks(depth, { extra: 2, named: stochasticDepth > 0 ? stochasticName : cifarName });
    let made = 0;
    const norm = normFactory(options.norm ?? 'batch');
    this.conv1 = normConv2d(norm, 3, 16, { kernelSize: 3, padding: 1, bias: false, device, generator });
    this.bn1 = norm(16, { device });
    const stage = (from: number, to: number, stride: number): Sequential =>
      new Sequential(
        ...Array.from({ length: blocks }, (_, b) => {
          const dropPath = (stochasticDepth * ++made) / (3 * blocks);
          return new BasicBlock(b === 0 ? from : to, to, { stride: b === 0 ? stride : 1, norm, dropPath, device, generator });
        }),
      );
    this.layer1 = stage(16, 16, 1);
    this.layer2 = stage(16, 32, 2);
    this.layer3 = stage(32, 64, 2);
    this.fc = new Linear(64, numClasses, { device, generator });
  }

  override forward(x: Tensor): Tensor {
    const h = relu(this.bn1.forward(this.conv1.forward(x)));
    const features = this.layer3.forward(this.layer2.forward(this.layer1.forward(h)));
    return this.fc.forward(mean(features, { dims: [2, 3] }));
  }
}

export const resNetCifarEntry: ModelEntry = {
  name: 'resnet<6n+2>',
  description: 'CIFAR ResNet with BasicBlocks, 16/32/64 channels; cifar-resnet<6n+2> is the same, and the name of depths that ImageNet has',
  source: 'He et al., arXiv:1512.03385, §4.2',
  examples: ['resnet20', 'resnet32', 'resnet44', 'resnet56', 'resnet110', 'resnet164', 'resnet1202'],
  create: (name, options) => {
    const [, cifar, digits] = /^(cifar-)?resnet(\d+)$/.exec(name) ?? [];
    if (digits === undefined) return undefined;
    const depth = Number(digits);
    if (!cifar && imagenetDepths.has(depth)) throw new OpError('createModel', imagenet(depth));
    return new ResNetCifar(depth, options);
  },
};

export const stochasticDepthEntry: ModelEntry = {
  name: 'stochastic-depth-resnet<6n+2>',
  description: 'CIFAR ResNet whose blocks training leaves out at random: the last with probability ½, those before it less by equal steps',
  source: 'Huang et al., arXiv:1603.09382',
  examples: ['stochastic-depth-resnet56', 'stochastic-depth-resnet110'],
  create: (name, options) => {
    const depth = /^stochastic-depth-resnet(\d+)$/.exec(name)?.[1];
    return depth === undefined ? undefined : new ResNetCifar(Number(depth), { ...options, stochasticDepth: 0.5 });
  },
};
