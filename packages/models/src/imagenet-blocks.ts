import { add, relu, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import {
  Conv2d,
  Module,
  type NormFactory,
  normConv2d,
  type Parameter,
  type ResidualBlock,
  type ResidualBranch,
  Sequential,
} from '@initlab/nn';
import type { ModelOptions } from './model-entry.js';
import { scaledBranch, setScaleOf } from './scaled-branch.js';

/** Options of the blocks of ImageNet's ResNets. */
export interface ImageNetBlockOptions extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly stride: number;
  readonly norm: NormFactory;
}
const optionNames = ['stride', 'norm', 'device', 'generator'] as const;

/** What both blocks have besides their branch: the shortcut, and a factor that an initialisation may add. */
abstract class ImageNetBlock extends Module implements ResidualBlock {
  /** Learned factor of the branch, [1] or [C]; some initialisations add it. */
  residualScale: Parameter | undefined;
  /** A 1×1 convolution and a norm (type B), where the shapes differ; torchvision's name. */
  abstract downsample: Sequential | undefined;
  protected abstract readonly lastConv: Conv2d;
  protected abstract readonly lastNorm: Module;
  protected abstract branch(x: Tensor): Tensor;

  get residualBranch(): ResidualBranch {
    return {
      kind: 'basic',
      lastConv: this.lastConv,
      lastNorm: this.lastNorm,
      shortcutConv: this.downsample?.layers.find((m) => m instanceof Conv2d),
      setScale: setScaleOf(this),
    };
  }

  override forward(x: Tensor): Tensor {
    return relu(add(scaledBranch(this.branch(x), this.residualScale), this.downsample ? this.downsample.forward(x) : x));
  }
}

function downsampling(from: number, to: number, { stride, norm, device, generator }: ImageNetBlockOptions): Sequential | undefined {
  if (from === to && stride === 1) return undefined;
  return new Sequential(normConv2d(norm, from, to, { kernelSize: 1, stride, bias: false, device, generator }), norm(to, { device }));
}

/** Two 3×3 convolutions, the first with the stride (torchvision's `BasicBlock` and its keys; He et al., arXiv:1512.03385). */
export class ImageNetBasicBlock extends ImageNetBlock {
  conv1: Conv2d;
  bn1: Module;
  conv2: Conv2d;
  bn2: Module;
  downsample: Sequential | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: ImageNetBlockOptions,
  ) {
    super();
    checkOptions('ImageNetBasicBlock', options, optionNames);
    const { stride, norm, device, generator } = options;
    const conv = { kernelSize: 3, padding: 1, bias: false, device, generator };
    this.conv1 = normConv2d(norm, inChannels, outChannels, { ...conv, stride });
    this.bn1 = norm(outChannels, { device });
    this.conv2 = normConv2d(norm, outChannels, outChannels, conv);
    this.bn2 = norm(outChannels, { device });
    this.downsample = downsampling(inChannels, outChannels, options);
  }

  protected get lastConv(): Conv2d {
    return this.conv2;
  }
  protected get lastNorm(): Module {
    return this.bn2;
  }
  protected branch(x: Tensor): Tensor {
    return this.bn2.forward(this.conv2.forward(relu(this.bn1.forward(this.conv1.forward(x)))));
  }
}

/**
 * 1×1, 3×3 with the stride, 1×1 to `outChannels`, four times those between (torchvision's `Bottleneck` and its keys: the stride of
 * "ResNet v1.5", where arXiv:1512.03385 has it in the first convolution).
 */
export class ImageNetBottleneck extends ImageNetBlock {
  conv1: Conv2d;
  bn1: Module;
  conv2: Conv2d;
  bn2: Module;
  conv3: Conv2d;
  bn3: Module;
  downsample: Sequential | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: ImageNetBlockOptions,
  ) {
    super();
    checkOptions('ImageNetBottleneck', options, optionNames);
    const { stride, norm, device, generator } = options;
    const conv = { bias: false, device, generator };
    const width = Math.max(1, Math.floor(outChannels / bottleneckExpansion));
    this.conv1 = normConv2d(norm, inChannels, width, { kernelSize: 1, ...conv });
    this.bn1 = norm(width, { device });
    this.conv2 = normConv2d(norm, width, width, { kernelSize: 3, stride, padding: 1, ...conv });
    this.bn2 = norm(width, { device });
    this.conv3 = normConv2d(norm, width, outChannels, { kernelSize: 1, ...conv });
    this.bn3 = norm(outChannels, { device });
    this.downsample = downsampling(inChannels, outChannels, options);
  }

  protected get lastConv(): Conv2d {
    return this.conv3;
  }
  protected get lastNorm(): Module {
    return this.bn3;
  }
  protected branch(x: Tensor): Tensor {
    const h = relu(this.bn1.forward(this.conv1.forward(x)));
    return this.bn3.forward(this.conv3.forward(relu(this.bn2.forward(this.conv2.forward(h)))));
  }
}

/** Channels of a bottleneck's result for each of those between. */
export const bottleneckExpansion = 4;
