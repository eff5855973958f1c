import { add, checkOptions, mean, OpError, relu, type Tensor } from '@initlab/core';
import {
  Conv2d,
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
import { scaledBranch } from './scaled-branch.js';
import { stageBlocks } from './stage-blocks.js';

interface BlockOptions extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly stride: number;
  readonly norm: NormFactory;
}

/** Two 3×3 convolutions and a shortcut, ReLU after the sum (He et al., arXiv:1512.03385). */
export class BasicBlock extends Module implements ResidualBlock {
  conv1: Conv2d;
  bn1: Module;
  conv2: Conv2d;
  bn2: Module;
  /** Empty where the shapes agree, else a 1×1 convolution and a norm (type B). */
  shortcut: Module;
  /** Learned factor of the branch, [1] or [C]; some initialisations add it. */
  residualScale: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: BlockOptions,
  ) {
    super();
    checkOptions('BasicBlock', options, ['stride', 'norm', 'device', 'generator']);
    const { stride, norm, device, generator } = options;
    const conv = { bias: false, device, generator };
    this.conv1 = normConv2d(norm, inChannels, outChannels, { kernelSize: 3, stride, padding: 1, ...conv });
    this.bn1 = norm(outChannels, { device });
    this.conv2 = normConv2d(norm, outChannels, outChannels, { kernelSize: 3, padding: 1, ...conv });
    this.bn2 = norm(outChannels, { device });
    const same = inChannels === outChannels && stride === 1;
    this.shortcut = same
      ? new Identity()
      : new Sequential(normConv2d(norm, inChannels, outChannels, { kernelSize: 1, stride, ...conv }), norm(outChannels, { device }));
  }

  get residualBranch(): ResidualBranch {
    return {
      kind: 'basic',
      lastConv: this.conv2,
      lastNorm: this.bn2,
      shortcutConv: this.shortcut.modules().find((m) => m instanceof Conv2d),
      setScale: (scale) => {
        this.residualScale?.dispose();
        this.residualScale = scale;
      },
    };
  }

  override forward(x: Tensor): Tensor {
    const h = relu(this.bn1.forward(this.conv1.forward(x)));
    const branch = scaledBranch(this.bn2.forward(this.conv2.forward(h)), this.residualScale);
    return relu(add(branch, this.shortcut.forward(x)));
  }
}

/** The name that makes a net of so many layers. */
const cifarName = (layers: number): string => `${imagenetDepths.has(layers) ? 'cifar-' : ''}resnet${layers}`;
/** Depths that a name without "cifar-" has in ImageNet's nets, and everywhere else. */
const imagenetDepths: ReadonlySet<number> = new Set([18, 34, 50, 101, 152, 200]);
function imagenet(depth: number): string {
  const below = depth - ((depth - 2) % 6);
  const instead =
    below === depth
      ? `${cifarName(depth)} makes the CIFAR net`
      : `the nearest CIFAR nets are ${cifarName(below)} and ${cifarName(below + 6)}`;
  return `resnet${depth} is ImageNet's net elsewhere, which is not here; ${instead} of 6n + 2 layers`;
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
    options: ModelOptions = {},
  ) {
    super();
    checkOptions('ResNetCifar', options, ['numClasses', 'norm', 'device', 'generator']);
    const blocks = stageBlocks(depth, { extra: 2, named: cifarName });
    const { numClasses = 10, device, generator } = options;
    const norm = normFactory(options.norm ?? 'batch');
    this.conv1 = normConv2d(norm, 3, 16, { kernelSize: 3, padding: 1, bias: false, device, generator });
    this.bn1 = norm(16, { device });
    const stage = (from: number, to: number, stride: number): Sequential =>
      new Sequential(
        ...Array.from(
          { length: blocks },
          (_, b) => new BasicBlock(b === 0 ? from : to, to, { stride: b === 0 ? stride : 1, norm, device, generator }),
        ),
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
