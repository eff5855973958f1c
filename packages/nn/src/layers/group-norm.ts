import { AllOrNothing, groupNorm, OpError, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import type { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { affineParameters, checkNormOptions, type NormLayerOptions, normOptionNames } from './norm-options.js';

/** Group normalisation of [N, C, H, W], `numGroups` dividing C, same shape out (PyTorch's `nn.GroupNorm`). */
export class GroupNorm extends Module {
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: NormLayerOptions = {},
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('GroupNorm', options, normOptionNames);
    checkNumber('GroupNorm', { numGroups, numChannels }, { from: 1, whole: true });
    if (numChannels % numGroups !== 0) throw new OpError('GroupNorm', `${numGroups} groups do not divide ${numChannels} channels`);
    const { device, affine = true, eps = 1e-5 } = options;
    checkNormOptions('GroupNorm', { eps, affine });
    this.eps = eps;
    [this.weight, this.bias] = affineParameters([numChannels], { affine, device });
    whole.done();
  }

  override extraRepr(): string {
    return showSettings(
      [this.numGroups, this.numChannels],
      { eps: this.eps, affine: this.weight !== undefined },
      { eps: 1e-5, affine: true },
    );
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, { groups: this.numGroups, weight: this.weight, bias: this.bias, eps: this.eps });
  }
}
