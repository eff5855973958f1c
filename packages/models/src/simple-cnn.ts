import type { Tensor } from '@initlab/core';
import { Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential } from '@initlab/nn';
import { type ModelOptions, registerModel } from './registry.js';

/** The vanilla CNN of the TorchLeet exercise: two convolutions with max pooling, two linear layers. For 32×32 images. */
export class SimpleCnn extends Module {
  network: Sequential;
  constructor({ numClasses = 10, device, generator }: ModelOptions = {}) {
    super();
    const common = { device, generator };
    this.network = new Sequential(
      new Conv2d(3, 16, { kernelSize: 3, padding: 1, ...common }),
      new ReLU(),
      new MaxPool2d(2),
      new Conv2d(16, 32, { kernelSize: 3, padding: 1, ...common }),
      new ReLU(),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(32 * 8 * 8, 512, common),
      new ReLU(),
      new Linear(512, numClasses, common),
    );
  }
  override forward(x: Tensor): Tensor {
    return this.network.forward(x);
  }
}

registerModel({
  name: 'simple-cnn',
  description: 'conv16, conv32, 512, classes; max pooling, no norm',
  source: 'TorchLeet, "CNN weight initialisation"',
  create: (name, options) => (name === 'simple-cnn' ? new SimpleCnn(options) : undefined),
});
