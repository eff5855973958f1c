import { AllOrNothing, add, type Device, mul, reshape, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';

/** Options of the norms written with tensor operations. */
export interface ChannelNormOptions {
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
}

/** Base of norms that end in a scale and a shift per channel: `weight` 1 and `bias` 0 at first, both [C]. */
export abstract class ChannelAffineNorm extends Module {
  weight: Parameter;
  bias: Parameter;

  constructor(
    readonly numFeatures: number,
    options: ChannelNormOptions = {},
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions(this.constructor.name, options, ['device']);
    checkNumber(this.constructor.name, { numFeatures }, { from: 1, whole: true });
    const { device } = options;
    this.weight = new Parameter([numFeatures], { device, value: 1 });
    this.bias = new Parameter([numFeatures], { device, value: 0 });
    whole.done();
  }

  override extraRepr(): string {
    return showSettings([this.numFeatures]);
  }

  /** A parameter [C] in the shape that broadcasts over images. */
  protected perChannel(parameter: Tensor): Tensor {
    return reshape(parameter, [1, this.numFeatures, 1, 1]);
  }

  /** weight · x + bias. */
  protected affine(x: Tensor): Tensor {
    return add(mul(x, this.perChannel(this.weight)), this.perChannel(this.bias));
  }
}
