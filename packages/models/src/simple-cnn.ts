import { OpError, type Tensor } from '@initlab/core';
import { checkOptions, sameShape, showShape } from '@initlab/core/internal';
import { Conv2d, Flatten, Linear, MaxPool2d, Module, normConv2d, normFactory, ReLU, Sequential } from '@initlab/nn';
import type { ModelEntry, ModelOptions } from './model-entry.js';

/**
 * The vanilla CNN of the TorchLeet exercise: two convolutions with max pooling, two linear layers. For 32×32 images. A norm
 * that is asked for follows each convolution, as `norms.0` and `norms.1`; the exercise's keys stay as they are.
 */
export class SimpleCnn extends Module {
  network: Sequential;
  norms: Sequential;
  constructor(options: ModelOptions = {}) {
    super();
    checkOptions('SimpleCnn', options, ['numClasses', 'norm', 'device', 'generator']);
    const { numClasses = 10, norm = 'none', device, generator } = options;
    const common = { device, generator };
    const factory = normFactory(norm);
    this.network = new Sequential(
      normConv2d(factory, 3, 16, { kernelSize: 3, padding: 1, ...common }),
      new ReLU(),
      new MaxPool2d(2),
      normConv2d(factory, 16, 32, { kernelSize: 3, padding: 1, ...common }),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(32 * 8 * 8, 512, common),
      new ReLU(),
      new Linear(512, numClasses, common),
    );
    this.norms = new Sequential(factory(16, { device }), factory(32, { device }));
  }
  override forward(x: Tensor): Tensor {
    const [, ...image] = x.shape;
    if (!sameShape(image, [3, 32, 32]))
      throw new OpError(
        'SimpleCnn',
        `takes images [N, 3, 32, 32], got ${showShape(x.shape)}; resize or pad() them to 32×32 with 3 channels`,
      );
    const norms = this.norms.layers.values();
    return this.network.layers.reduce((h, layer) => {
      const y = layer.forward(h);
      return layer instanceof Conv2d ? (norms.next().value as Module).forward(y) : y;
    }, x);
  }
}

export const simpleCnnEntry: ModelEntry = {
  name: 'simple-cnn',
  description: 'conv16, conv32, 512, classes; max pooling, no norm unless asked for',
  source: 'TorchLeet, "CNN weight initialisation"',
  norm: 'none',
  create: (name, options) => (name === 'simple-cnn' ? new SimpleCnn(options) : undefined),
};
