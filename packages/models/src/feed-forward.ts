import { flatten, mean, relu, reshape, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { Identity, Linear, Module, type NormFactory, normConv2d, normFactory, Sequential, WeightNormLinear } from '@initlab/nn';
import { checkChannels, checkDepth } from './check-width.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';

/**
 * Linear, ReLU, `depth` times, then the classifier. A norm stands between each linear layer and its ReLU and sees an image of
 * one pixel per feature; with norm 'weight' the hidden layers are weight-normalised instead.
 */
export class Mlp extends Module {
  layers: Sequential;
  norms: Sequential;
  finalLayer: Linear;

  constructor(
    readonly depth: number,
    readonly width: number,
    options: ModelOptions & { inputs?: number } = {},
  ) {
    super();
    checkOptions('Mlp', options, ['numClasses', 'norm', 'inputs', 'device', 'generator']);
    const { numClasses = 10, norm = 'none', inputs = 3 * 32 * 32, device, generator } = options;
    checkDepth('Mlp', depth);
    checkChannels('Mlp', { width, numClasses });
    checkNumber('Mlp', { inputs }, { from: 1, whole: true });
    const factory = normFactory(norm);
    const Layer = factory.inWeights ? WeightNormLinear : Linear;
    const linears = Array.from({ length: depth }, (_, i) => new Layer(i === 0 ? inputs : width, width, { device, generator }));
    this.layers = new Sequential(...linears);
    this.norms = new Sequential(...linears.map(() => factory(width, { device })));
    this.finalLayer = new Linear(width, numClasses, { device, generator });
  }

  override forward(x: Tensor): Tensor {
    const hidden = this.layers.layers.reduce((h, layer, i) => relu(this.normed(layer.forward(h), i)), flatten(x));
    return this.finalLayer.forward(hidden);
  }

  /** Norms take [N, C, H, W]. */
  private normed(h: Tensor, layer: number): Tensor {
    const norm = this.norms.layers[layer] as Module;
    return norm instanceof Identity ? h : reshape(norm.forward(reshape(h, [...h.shape, 1, 1])), h.shape);
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
    options: ModelOptions = {},
  ) {
    super();
    checkOptions('PlainCnn', options, ['numClasses', 'norm', 'device', 'generator']);
    const { numClasses = 10, norm = 'none', device, generator } = options;
    checkDepth('PlainCnn', depth);
    checkChannels('PlainCnn', { width, numClasses });
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

const mlpName = /^mlp(\d+)-(\d+)$/;
const cnnName = /^cnn(\d+)-(\d+)$/;
const source = 'Arpit, Campos & Bengio, arXiv:1906.02341';
export const mlpEntry: ModelEntry = {
  name: 'mlp<depth>-<width>',
  description: 'linear layers with ReLU on flattened images; no norm unless asked for',
  source,
  norm: 'none',
  pattern: mlpName,
  examples: ['mlp20-128', 'mlp100-128'],
  create: (name, options) => {
    const found = mlpName.exec(name);
    return found ? new Mlp(Number(found[1]), Number(found[2]), options) : undefined;
  },
};
export const plainCnnEntry: ModelEntry = {
  name: 'cnn<depth>-<width>',
  description: '3×3 convolutions with biases, the first two of stride 2, global average pooling; no norm unless asked for',
  source,
  norm: 'none',
  pattern: cnnName,
  examples: ['cnn20-64', 'cnn100-64'],
  create: (name, options) => {
    const found = cnnName.exec(name);
    return found ? new PlainCnn(Number(found[1]), Number(found[2]), options) : undefined;
  },
};
