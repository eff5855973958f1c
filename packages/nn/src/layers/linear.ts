import { AllOrNothing, type Device, type Generator, linear, type Tensor } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { drawAsTorch } from './product-start.js';

/** Options of `Linear`. */
export interface LinearLayerOptions {
  /** Default true. */
  readonly bias?: boolean | undefined;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Draws the initial weights. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

/** y = x·Wᵀ + b on the last dimension, [N, …, in] → [N, …, out] (PyTorch's `nn.Linear`, with its initialisation). */
export class Linear extends Module {
  weight: Parameter;
  bias: Parameter | undefined;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: LinearLayerOptions = {},
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('Linear', options, ['bias', 'device', 'generator']);
    checkNumber('Linear', { inFeatures, outFeatures }, { from: 1, whole: true });
    checkFlags('Linear', { bias: options.bias });
    const { device, generator } = options;
    this.weight = new Parameter([outFeatures, inFeatures], { device });
    this.bias = options.bias === false ? undefined : new Parameter([outFeatures], { device });
    drawAsTorch(this, generator);
    whole.done();
  }

  effectiveWeight(): Tensor {
    return this.weight;
  }

  override extraRepr(): string {
    return showSettings([this.inFeatures, this.outFeatures], { bias: this.bias !== undefined }, { bias: true });
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.effectiveWeight(), { bias: this.bias });
  }
}
