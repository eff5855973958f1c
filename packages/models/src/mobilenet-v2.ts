import { add, mean, type Tensor } from '@initlab/core';
import { Dropout, Linear, Module, type NormFactory, normConv2d, normFactory, type Parameter, ReLU6, Sequential } from '@initlab/nn';
import { type ModelOptions, registerModel } from './registry.js';
import { scaledBranch } from './scaled-branch.js';

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
export class InvertedResidual extends Module {
  conv: Sequential;
  readonly residual: boolean;
  /** Learned factor of the branch, [1] or [C]; some initialisations add it. */
  residualScale: Parameter | undefined;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    { stride, expansion, ...common }: Common & { stride: number; expansion: number },
  ) {
    super();
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

/** MobileNetV2 at width 1 for 32×32 images; torchvision's keys. */
export class MobileNetV2 extends Module {
  features: Sequential;
  classifier: Sequential;

  constructor(options: ModelOptions = {}) {
    super();
    const { numClasses = 10, device, generator } = options;
    const common = { norm: normFactory(options.norm ?? 'batch'), device, generator };
    const layers: Module[] = [convNormActivation(3, 32, { kernelSize: 3, ...common })];
    let channels = 32;
    for (const [expansion, width, repeats, stride] of stages)
      for (let i = 0; i < repeats; i++) {
        layers.push(new InvertedResidual(channels, width, { stride: i === 0 ? stride : 1, expansion, ...common }));
        channels = width;
      }
    layers.push(convNormActivation(channels, 1280, { kernelSize: 1, ...common }));
    this.features = new Sequential(...layers);
    this.classifier = new Sequential(new Dropout(0.2, generator ? { generator } : {}), new Linear(1280, numClasses, { device, generator }));
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(mean(this.features.forward(x), { dims: [2, 3] }));
  }
}

registerModel({
  name: 'mobilenetv2',
  description: 'inverted residuals with depthwise convolutions, width 1, strides for 32×32 images',
  source: 'Sandler et al., arXiv:1801.04381',
  create: (name, options) => (name === 'mobilenetv2' ? new MobileNetV2(options) : undefined),
});
