import { add, avgPool2d, mean, mul, pad, relu, reshape, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import {
  type Conv2d,
  type FixupBranch,
  type FixupResidualBlock,
  Linear,
  Module,
  type NormFactory,
  normConv2d,
  normFactory,
  Parameter,
  Sequential,
} from '@initlab/nn';
import type { ModelEntry, ModelOptions } from './model-entry.js';
import { stageBlocks } from './stage-blocks.js';

interface Common extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly norm: NormFactory;
}

/** A scalar parameter that broadcasts over whatever it meets. */
const scalar = (value: number, { device }: Pick<Common, 'device'>): Parameter => new Parameter([1], { device, value });

/**
 * A residual block without norms: a scalar bias before every convolution and activation, a scalar factor at the end of
 * the branch. The shortcut drops every other pixel and pads channels with zeros, as the authors' CIFAR nets do.
 * A norm that is asked for follows each convolution: `norm1`, `norm2`.
 */
export class FixupBlock extends Module implements FixupResidualBlock {
  bias1a: Parameter;
  conv1: Conv2d;
  bias1b: Parameter;
  bias2a: Parameter;
  conv2: Conv2d;
  scale: Parameter;
  bias2b: Parameter;
  norm1: Module;
  norm2: Module;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: Common & { stride: number },
  ) {
    super();
    checkOptions('FixupBlock', options, ['stride', 'norm', 'device', 'generator']);
    const { stride, norm, ...common } = options;
    this.bias1a = scalar(0, common);
    this.conv1 = normConv2d(norm, inChannels, outChannels, { kernelSize: 3, stride, padding: 1, bias: false, ...common });
    this.bias1b = scalar(0, common);
    this.bias2a = scalar(0, common);
    this.conv2 = normConv2d(norm, outChannels, outChannels, { kernelSize: 3, padding: 1, bias: false, ...common });
    this.scale = scalar(1, common);
    this.bias2b = scalar(0, common);
    this.norm1 = norm(outChannels, { device: common.device });
    this.norm2 = norm(outChannels, { device: common.device });
  }

  get fixupBranch(): FixupBranch {
    return { firstConv: this.conv1, lastConv: this.conv2, scale: this.scale };
  }

  override forward(x: Tensor): Tensor {
    const biased = add(x, this.bias1a);
    const h = relu(add(this.norm1.forward(this.conv1.forward(biased)), this.bias1b));
    const branch = add(mul(this.norm2.forward(this.conv2.forward(add(h, this.bias2a))), this.scale), this.bias2b);
    const grows = this.inChannels !== this.outChannels;
    const kept = grows ? avgPool2d(biased, { kernelSize: 1, stride: this.conv1.stride }) : x;
    const shortcut = grows ? pad(kept, { pad: [0, 0, 0, 0, 0, this.outChannels - this.inChannels] }) : kept;
    return relu(add(branch, shortcut));
  }
}

/** CIFAR ResNet of 6n + 2 layers without norms unless one is asked for (Zhang, Dauphin & Ma, arXiv:1901.09321); the keys are the authors'. */
export class FixupResNet extends Module {
  conv1: Conv2d;
  bias1: Parameter;
  layer1: Sequential;
  layer2: Sequential;
  layer3: Sequential;
  bias2: Parameter;
  fc: Linear;
  norm1: Module;

  constructor(
    readonly depth: number,
    options: ModelOptions = {},
  ) {
    super();
    checkOptions('FixupResNet', options, ['numClasses', 'norm', 'device', 'generator']);
    const { numClasses = 10, norm = 'none', device, generator } = options;
    const blocks = stageBlocks(depth, { extra: 2, named: (layers) => `fixup-resnet${layers}` });
    const factory = normFactory(norm);
    const common = { device, generator };
    const stage = (from: number, to: number, stride: number): Sequential =>
      new Sequential(
        ...Array.from(
          { length: blocks },
          (_, b) => new FixupBlock(b === 0 ? from : to, to, { stride: b === 0 ? stride : 1, norm: factory, ...common }),
        ),
      );
    this.conv1 = normConv2d(factory, 3, 16, { kernelSize: 3, padding: 1, bias: false, ...common });
    this.bias1 = scalar(0, common);
    this.layer1 = stage(16, 16, 1);
    this.layer2 = stage(16, 32, 2);
    this.layer3 = stage(32, 64, 2);
    this.bias2 = scalar(0, common);
    this.fc = new Linear(64, numClasses, common);
    this.norm1 = factory(16, { device });
  }

  override forward(x: Tensor): Tensor {
    const h = relu(add(this.norm1.forward(this.conv1.forward(x)), this.bias1));
    const features = mean(this.layer3.forward(this.layer2.forward(this.layer1.forward(h))), { dims: [2, 3] });
    return this.fc.forward(add(features, reshape(this.bias2, [1, 1])));
  }
}

const fixupName = /^fixup-resnet(\d+)$/;
export const fixupResNetEntry: ModelEntry = {
  name: 'fixup-resnet<6n+2>',
  description: 'CIFAR ResNet without norms (unless asked for), with scalar biases and factors; initialise with fixup',
  source: 'Zhang, Dauphin & Ma, arXiv:1901.09321',
  norm: 'none',
  pattern: fixupName,
  examples: ['fixup-resnet20', 'fixup-resnet56', 'fixup-resnet110'],
  create: (name, options) => {
    const depth = fixupName.exec(name)?.[1];
    return depth === undefined ? undefined : new FixupResNet(Number(depth), options);
  },
};
