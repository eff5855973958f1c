import { adaptiveAvgPool2d, flatten, OpError, type Tensor } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import { Dropout, Linear, MaxPool2d, Module, normConv2d, normFactory, ReLU, Sequential } from '@initlab/nn';
import { checkWidth, scaledChannels } from './check-width.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';

/** Convolutions of each depth between the five poolings. */
const stages: Readonly<Record<number, readonly number[]>> = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};
const widths = [64, 128, 256, 512, 512];

/** Options of `VggBn`. */
export interface VggOptions extends ModelOptions {
  /** Times all channels; default 1. A fraction makes a net to try things out on. */
  readonly width?: number;
}

/** VGG with a norm after every convolution, for 32×32 images: classifier Linear(512, 512), ReLU, Dropout, Linear. */
export class VggBn extends Module {
  features: Sequential;
  classifier: Sequential;

  constructor(
    readonly depth: number,
    options: VggOptions = {},
  ) {
    super();
    const plan = stages[depth];
    if (!plan) throw new OpError('VggBn', `VGG comes in depths ${Object.keys(stages).join(', ')}, got ${depth}`);
    checkOptions('VggBn', options, ['numClasses', 'norm', 'width', 'device', 'generator']);
    const { numClasses = 10, width: factor = 1, device, generator } = options;
    checkWidth('VggBn', factor);
    const norm = normFactory(options.norm ?? 'batch');
    const layers: Module[] = [];
    let channels = 3;
    plan.forEach((count, stage) => {
      const width = scaledChannels(widths[stage] as number, factor);
      for (let i = 0; i < count; i++) {
        layers.push(
          normConv2d(norm, channels, width, { kernelSize: 3, padding: 1, bias: false, device, generator }),
          norm(width, { device }),
          new ReLU(),
        );
        channels = width;
      }
      layers.push(new MaxPool2d(2));
    });
    this.features = new Sequential(...layers);
    const dropout = new Dropout(0.5, generator ? { generator } : {});
    this.classifier = new Sequential(
      new Linear(channels, channels, { device, generator }),
      new ReLU(),
      dropout,
      new Linear(channels, numClasses, { device, generator }),
    );
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(flatten(adaptiveAvgPool2d(this.features.forward(x), 1)));
  }
}

export const vggEntry: ModelEntry = {
  name: 'vgg<11|13|16|19>-bn',
  description: 'VGG with batch norm for 32×32 images; vgg11-bn-x0.125 has an eighth of the channels',
  source: 'Simonyan & Zisserman, arXiv:1409.1556; 32×32 variant of MLS-Bench',
  examples: ['vgg11-bn', 'vgg13-bn', 'vgg16-bn', 'vgg19-bn', 'vgg11-bn-x0.125'],
  create: (name, options) => {
    const found = /^vgg(\d+)-bn(?:-x(\d*\.?\d+))?$/.exec(name);
    return found ? new VggBn(Number(found[1]), { ...options, width: Number(found[2] ?? 1) }) : undefined;
  },
};
