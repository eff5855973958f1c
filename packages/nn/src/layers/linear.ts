import { type Device, type Generator, linear, type Tensor } from '@initlab/core';
import { kaimingUniform_, uniform_ } from '../init/index.js';
import { Module } from '../module.js';
import { Parameter } from '../parameter.js';

/** y = x·Wᵀ + b on the last dimension (PyTorch's `nn.Linear`, with its initialisation). */
export class Linear extends Module {
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: { bias?: boolean; device?: Device | undefined; generator?: Generator | undefined } = {},
  ) {
    super();
    const { device, generator } = options;
    this.weight = new Parameter([outFeatures, inFeatures], { device });
    this.bias = options.bias === false ? undefined : new Parameter([outFeatures], { device });
    kaimingUniform_(this.weight, { a: Math.sqrt(5), generator });
    const bound = 1 / Math.sqrt(inFeatures);
    if (this.bias) uniform_(this.bias, { a: -bound, b: bound, generator });
  }

  effectiveWeight(): Tensor {
    return this.weight;
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.effectiveWeight(), { bias: this.bias });
  }
}
