import type { Generator, Tensor } from '@initlab/core';
import type { Module } from '../../module.js';
import { kaimingNormal_, kaimingUniform_, normal_, uniform_, xavierNormal_, zeros_ } from '../fills.js';
import { calculateFanInAndFanOut } from '../fan.js';
import { type InitializeWeights, registerInitializer, weightLayers } from './registry.js';

/** Fill every convolution's and linear layer's weight; biases 0. Norms keep weight 1, bias 0. */
const everyLayer =
  (fill: (weight: Tensor, generator: Generator | undefined) => void): InitializeWeights =>
  (model: Module, { generator }) => {
    for (const layer of weightLayers(model)) {
      fill(layer.weight, generator);
      if (layer.bias) zeros_(layer.bias);
    }
  };

const torchLeet = 'TorchLeet exercise on CNN weight initialisation';

registerInitializer({
  name: 'default',
  description: "PyTorch's own: weight kaimingUniform(a = √5) = U(±1/√fanIn), bias U(±1/√fanIn); conv and linear",
  source: torchLeet,
  initialize: (model, { generator }) => {
    for (const { weight, bias } of weightLayers(model)) {
      kaimingUniform_(weight, { a: Math.sqrt(5), generator });
      const bound = 1 / Math.sqrt(calculateFanInAndFanOut(weight.shape).fanIn);
      if (bias) uniform_(bias, { a: -bound, b: bound, generator });
    }
  },
});
registerInitializer({
  name: 'zero',
  description: 'all weights and biases 0; conv and linear',
  source: torchLeet,
  initialize: everyLayer((w) => zeros_(w)),
});
registerInitializer({
  name: 'random',
  description: 'weights N(0, 1), biases 0; conv and linear',
  source: torchLeet,
  initialize: everyLayer((w, generator) => normal_(w, { generator })),
});
registerInitializer({
  name: 'xavier',
  description: 'weights N(0, 2 / (fanIn + fanOut)), biases 0; conv and linear',
  source: 'Glorot & Bengio 2010',
  initialize: everyLayer((w, generator) => xavierNormal_(w, { generator })),
});
registerInitializer({
  name: 'kaiming-fan-in',
  description: 'weights N(0, 2 / fanIn), biases 0; conv and linear',
  source: 'He et al., arXiv:1502.01852',
  initialize: everyLayer((w, generator) => kaimingNormal_(w, { mode: 'fanIn', nonlinearity: 'relu', generator })),
});
