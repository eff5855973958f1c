import { flatten, mean, relu, type Tensor } from '@initlab/core';
import { Linear, Module, type NormFactory, normConv2d, normFactory, Sequential, WeightNormLinear } from '@initlab/nn';
import { type ModelOptions, registerModel } from './registry.js';

/** Linear, ReLU, `depth` times, then the classifier; with norm 'weight' the hidden layers are weight-normalised, else plain. */
export class Mlp extends Module {
  layers: Sequential;
  finalLayer: Linear;

  constructor(
    readonly depth: number,
    readonly width: number,
    { numClasses = 10, norm = 'none', inputs = 3 * 32 * 32, device, generator }: ModelOptions & { inputs?: number } = {},
  ) {
    super();
    const Layer = normFactory(norm).inWeights ? WeightNormLinear : Linear;
    this.layers = new Sequential(
      ...Array.from({ length: depth }, (_, i) => new Layer(i === 0 ? inputs : width, width, { device, generator })),
    );
    this.finalLayer = new Linear(width, numClasses, { device, generator });
  }

  override forward(x: Tensor): Tensor {
    return this.finalLayer.forward(this.layers.layers.reduce((h, layer) => relu(layer.forward(h)), flatten(x)));
  }
}

/** 3×3 convolutions with biases and ReLU, the first two of stride 2, global average pooling, no shortcuts. */
export class PlainCnn extends Module {
  layers: Sequential;
  norms: Sequential;
  finalLayer: Linear;

  constructor(
    readonly depth: number,
    readonly width: number,
    { numClasses = 10, norm = 'none', device, generator }: ModelOptions = {},
  ) {
    super();
    const factory: NormFactory = normFactory(norm);
    const convs = Array.from({ length: depth }, (_, i) =>
      normConv2d(factory, i === 0 ? 3 : width, width, { kernelSize: 3, stride: i < 2 ? 2 : 1, padding: 1, device, generator }),
    );
    this.layers = new Sequential(...convs);
    this.norms = new Sequential(...convs.map(() => factory(width, { device })));
    this.finalLayer = new Linear(width, numClasses, { device, generator });
  }

  override forward(x: Tensor): Tensor {
    const features = this.layers.layers.reduce((h, layer, i) => relu((this.norms.layers[i] as Module).forward(layer.forward(h))), x);
    return this.finalLayer.forward(mean(features, { dims: [2, 3] }));
  }
}

const source = 'Arpit, Campos & Bengio, arXiv:1906.02341';
registerModel({
  name: 'mlp<depth>-<width>',
  description: 'linear layers with ReLU on flattened images, no norm or weight norm',
  source,
  examples: ['mlp20-128', 'mlp100-128'],
  create: (name, options) => {
    const found = /^mlp(\d+)-(\d+)$/.exec(name);
    return found ? new Mlp(Number(found[1]), Number(found[2]), options) : undefined;
  },
});
registerModel({
  name: 'cnn<depth>-<width>',
  description: '3×3 convolutions with biases, the first two of stride 2, global average pooling; no norm unless asked for',
  source,
  examples: ['cnn20-64', 'cnn100-64'],
  create: (name, options) => {
    const found = /^cnn(\d+)-(\d+)$/.exec(name);
    return found ? new PlainCnn(Number(found[1]), Number(found[2]), options) : undefined;
  },
});
