import { add, mean, OpError, relu, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import {
  type Conv2d,
  type Conv2dLayerOptions,
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
  /** 1×1, 3×3, 1×1 with a quarter of the channels between, in place of two 3×3 convolutions. */
  readonly bottleneck: boolean;
}

/**
 * Norm and ReLU before each convolution, nothing after the sum (He et al., arXiv:1603.05027). Where the shapes differ a 1×1 convolution
 * of what the first norm and ReLU give is the shortcut. The first convolution has the stride, as the authors' has.
 */
export class PreActBlock extends Module implements ResidualBlock {
  bn1: Module;
  conv1: Conv2d;
  bn2: Module;
  conv2: Conv2d;
  bn3: Module | undefined;
  conv3: Conv2d | undefined;
  shortcut: Conv2d | undefined;
  /** Learned factor of the branch, [1] or [C]; some initialisations add it. */
  residualScale: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: BlockOptions,
  ) {
    super();
    checkOptions('PreActBlock', options, ['stride', 'bottleneck', 'norm', 'device', 'generator']);
    const { stride, bottleneck, norm, device, generator } = options;
    const conv = (from: number, to: number, own: Conv2dLayerOptions): Conv2d =>
      normConv2d(norm, from, to, { ...own, bias: false, device, generator });
    const [one, three] = [{ kernelSize: 1 }, { kernelSize: 3, padding: 1 }];
    const width = bottleneck ? outChannels / 4 : outChannels;
    this.bn1 = norm(inChannels, { device });
    this.conv1 = conv(inChannels, width, { ...(bottleneck ? one : three), stride });
    this.bn2 = norm(width, { device });
    this.conv2 = conv(width, width, three);
    this.bn3 = bottleneck ? norm(width, { device }) : undefined;
    this.conv3 = bottleneck ? conv(width, outChannels, one) : undefined;
    this.shortcut = inChannels === outChannels && stride === 1 ? undefined : conv(inChannels, outChannels, { ...one, stride });
  }

  /** No norm ends the branch: initialisations that zero a block's last norm find none here. */
  get residualBranch(): ResidualBranch {
    return {
      kind: 'basic',
      lastConv: this.conv3 ?? this.conv2,
      lastNorm: undefined,
      shortcutConv: this.shortcut,
      setScale: setScaleOf(this),
    };
  }

  override forward(x: Tensor): Tensor {
    const active = relu(this.bn1.forward(x));
    const second = this.conv2.forward(relu(this.bn2.forward(this.conv1.forward(active))));
    const branch = this.bn3 && this.conv3 ? this.conv3.forward(relu(this.bn3.forward(second))) : second;
    return add(scaledBranch(branch, this.residualScale), this.shortcut ? this.shortcut.forward(active) : x);
  }
}

/** Options of `PreActResNet`. */
export interface PreActResNetOptions extends ModelOptions {
  /** Blocks of three convolutions and four times the channels, so that a net has 9n + 2 layers; default false: two, and 6n + 2. */
  readonly bottleneck?: boolean | undefined;
}

/** CIFAR ResNet with pre-activation: 16, 32, 64 channels (bottlenecks: 64, 128, 256), a norm and a ReLU before the pooling. */
export class PreActResNet extends Module {
  conv1: Conv2d;
  layer1: Sequential;
  layer2: Sequential;
  layer3: Sequential;
  bn: Module;
  fc: Linear;

  constructor(
    readonly depth: number,
    options: PreActResNetOptions = {},
  ) {
    super();
    checkOptions('PreActResNet', options, ['bottleneck', 'numClasses', 'norm', 'device', 'generator']);
    const { bottleneck = false, numClasses = 10, device, generator } = options;
    const named = (layers: number): string => `preact-resnet${layers}${bottleneck ? '-bottleneck' : ''}`;
    const blocks = stageBlocks(depth, { extra: 2, perBlock: bottleneck ? 9 : 6, named });
    const norm = normFactory(options.norm ?? 'batch');
    let channels = 16;
    this.conv1 = normConv2d(norm, 3, channels, { kernelSize: 3, padding: 1, bias: false, device, generator });
    const stage = (width: number, stride: number): Sequential => {
      const out = bottleneck ? 4 * width : width;
      const layers = Array.from({ length: blocks }, (_, b) => {
        const own = { stride: b === 0 ? stride : 1, bottleneck, norm, device, generator };
        return new PreActBlock(b === 0 ? channels : out, out, own);
      });
      channels = out;
      return new Sequential(...layers);
    };
    this.layer1 = stage(16, 1);
    this.layer2 = stage(32, 2);
    this.layer3 = stage(64, 2);
    this.bn = norm(channels, { device });
    this.fc = new Linear(channels, numClasses, { device, generator });
  }

  override forward(x: Tensor): Tensor {
    const features = this.layer3.forward(this.layer2.forward(this.layer1.forward(this.conv1.forward(x))));
    return this.fc.forward(mean(relu(this.bn.forward(features)), { dims: [2, 3] }));
  }
}

export const preActResNetEntry: ModelEntry = {
  name: 'preact-resnet<6n+2>',
  description: 'CIFAR ResNet with norm and ReLU before each convolution; preact-resnet<9n+2>-bottleneck has blocks of three convolutions',
  source: 'He et al., arXiv:1603.05027',
  examples: ['preact-resnet20', 'preact-resnet56', 'preact-resnet110', 'preact-resnet164-bottleneck'],
  create: (name, options) => {
    const [, digits, bottleneck] = /^preact-resnet(\d+)(-bottleneck)?$/.exec(name) ?? [];
    if (digits === undefined) return undefined;
    // The paper's nets of these depths are others than those of 6n + 2 layers.
    if (!bottleneck && (digits === '164' || digits === '1001'))
      throw new OpError('createModel', `${name} of the paper has bottlenecks; preact-resnet${digits}-bottleneck makes it`);
    return new PreActResNet(Number(digits), { ...options, bottleneck: bottleneck !== undefined });
  },
};
