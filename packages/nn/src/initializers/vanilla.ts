import type { Generator, Tensor } from '@initlab/core';
import { kaimingNormal_, normal_, xavierNormal_, zeros_ } from '../init/fills.js';
import type { Module } from '../module/module.js';
import { drawnLayers, firsts, type InitializerEntry, type InitializeWeights, weightLayers } from './stored.js';
import { drawAsTorch } from './torch-default.js';

/** Fill every convolution's and linear layer's weight; biases 0. Norms keep weight 1, bias 0. */
const everyLayer =
  (fill: (weight: Tensor, generator: Generator | undefined) => void): InitializeWeights =>
  (model: Module, { generator }) => {
    for (const { weight } of drawnLayers(model)) fill(weight, generator);
    for (const { bias } of weightLayers(model)) if (bias) zeros_(bias);
  };

const torchLeet = 'TorchLeet exercise on CNN weight initialisation';

export const vanilla: readonly InitializerEntry[] = [
  {
    name: 'default',
    description: "PyTorch's own: weight kaimingUniform(a = √5) = U(±1/√fanIn), bias U(±1/√fanIn); conv and linear",
    source: torchLeet,
    initialize: (model, { generator }) => {
      const isFirst = firsts();
      for (const layer of weightLayers(model)) drawAsTorch(layer, { generator, isFirst });
    },
  },
  {
    name: 'zero',
    description: 'all weights and biases 0; conv and linear',
    source: torchLeet,
    initialize: everyLayer((w) => zeros_(w)),
  },
  {
    name: 'random',
    description: 'weights N(0, 1), biases 0; conv and linear',
    source: torchLeet,
    initialize: everyLayer((w, generator) => normal_(w, { generator })),
  },
  {
    name: 'xavier',
    description: 'weights N(0, 2 / (fanIn + fanOut)), biases 0; conv and linear',
    source: 'Glorot & Bengio 2010',
    initialize: everyLayer((w, generator) => xavierNormal_(w, { generator })),
  },
  {
    name: 'kaiming-fan-in',
    description: 'weights N(0, 2 / fanIn), biases 0; conv and linear',
    source: 'He et al., arXiv:1502.01852',
    initialize: everyLayer((w, generator) => kaimingNormal_(w, { mode: 'fanIn', nonlinearity: 'relu', generator })),
  },
];
