import { add, mean, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import {
  Conv2d,
  Dropout,
  Linear,
  Module,
  type NormFactory,
  normConv2d,
  normFactory,
  type Parameter,
  ReLU6,
  type ResidualBlock,
  type ResidualBranch,
  Sequential,
} from '@initlab/nn';
import { checkWidth } from './check-width.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';
import { scaledBranch, setScaleOf } from './scaled-branch.js';

interface Common extends Pick<ModelOptions, 'device' | 'generator'> {
  readonly norm: NormFactory;
}

/** Convolution, norm, ReLU6; keys 0 and 1. */
function convNormActivation(
  from: number,
  to: number,
  { kernelSize, stride = 1, groups = 1, ...common }: Common & { kernelSize: number; stride?: number; groups?: number },
): Sequential {
  const { norm, device, generator } = common;
  const conv = normConv2d(norm, from, to, {
    kernelSize,
    stride,
    padding: Math.floor(kernelSize / 2),
    groups,
    bias: false,
    device,
    generator,
  });
  return new Sequential(conv, norm(to, { device }), new ReLU6());
}

/** Expand (1×1), filter (depthwise 3×3), project (1×1), with a residual where the shapes agree (arXiv:1801.04381). */
export class InvertedResidual extends Module implements ResidualBlock {
  conv: Sequential;
  readonly residual: boolean;
  /** Learned factor of the branch, [1] or [C]; some initialisations add it. */
  residualScale: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: Common & { stride: number; expansion: number },
  ) {
    super();
    checkOptions('InvertedResidual', options, ['stride', 'expansion', 'norm', 'device', 'generator']);
    const { stride, expansion, ...common } = options;
    const hidden = inChannels * expansion;
    const { norm, device, generator } = common;
    const expand = expansion === 1 ? [] : [convNormActivation(inChannels, hidden, { kernelSize: 1, ...common })];
    this.conv = new Sequential(
      ...expand,
      convNormActivation(hidden, hidden, { kernelSize: 3, stride, groups: hidden, ...common }),
      normConv2d(norm, hidden, outChannels, { kernelSize: 1, bias: false, device, generator }),
      norm(outChannels, { device }),
    );
    this.residual = stride === 1 && inChannels === outChannels;
  }

  get residualBranch(): ResidualBranch | undefined {
    const [lastConv, lastNorm] = this.conv.layers.slice(-2);
    if (!this.residual || !(lastConv instanceof Conv2d)) return undefined;
    return {
      kind: 'inverted',
      lastConv,
      lastNorm,
      shortcutConv: undefined,
      setScale: setScaleOf(this),
    };
  }

  override forward(x: Tensor): Tensor {
    const y = scaledBranch(this.conv.forward(x), this.residualScale);
    return this.residual ? add(x, y) : y;
  }
}

/** Expansion, channels, repeats and stride of each stage; strides are those for 32×32 images. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 1],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Options of `MobileNetV2`. */
export interface MobileNetOptions extends ModelOptions {
  /** Times all channels but the last layer's, which never has fewer than 1280; default 1 (torchvision's `width_mult`). */
  readonly width?: number;
}

/** Channels are multiples of 8, and rounding never takes more than a tenth away (torchvision's `_make_divisible`). */
function roundedChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/** MobileNetV2 for 32×32 images; torchvision's keys. */
export class MobileNetV2 extends Module {
  features: Sequential;
  classifier: Sequential;

  constructor(options: MobileNetOptions = {}) {
    super();
    checkOptions('MobileNetV2', options, ['numClasses', 'norm', 'width', 'device', 'generator']);
    const { numClasses = 10, width: factor = 1, device, generator } = options;
    checkWidth('MobileNetV2', factor);
    const common = { norm: normFactory(options.norm ?? 'batch'), device, generator };
    let channels = roundedChannels(32 * factor);
    const last = roundedChannels(1280 * Math.max(1, factor));
    const layers: Module[] = [convNormActivation(3, channels, { kernelSize: 3, ...common })];
    for (const [expansion, base, repeats, stride] of stages) {
      const width = roundedChannels(base * factor);
      for (let i = 0; i < repeats; i++) {
        layers.push(new InvertedResidual(channels, width, { stride: i === 0 ? stride : 1, expansion, ...common }));
        channels = width;
      }
    }
    layers.push(convNormActivation(channels, last, { kernelSize: 1, ...common }));
    this.features = new Sequential(...layers);
    this.classifier = new Sequential(new Dropout(0.2, generator ? { generator } : {}), new Linear(last, numClasses, { device, generator }));
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(mean(this.features.forward(x), { dims: [2, 3] }));
  }
}

export const mobileNetV2Entry: ModelEntry = {
  name: 'mobilenetv2',
  description: 'inverted residuals with depthwise convolutions, strides for 32×32 images; mobilenetv2-x0.25 has a quarter of the channels',
  source: 'Sandler et al., arXiv:1801.04381',
  examples: ['mobilenetv2', 'mobilenetv2-x0.25'],
  create: (name, options) => {
    const found = /^mobilenetv2(?:-x(\d*\.?\d+))?$/.exec(name);
    return found ? new MobileNetV2({ ...options, width: Number(found[1] ?? 1) }) : undefined;
  },
};
