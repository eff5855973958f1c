import { AllOrNothing, add, maximum, mean, mul, rsqrt, square, type Tensor } from '@initlab/core';
import { Parameter } from '../parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';

/**
 * Filter response normalisation with its thresholded linear unit: x / √(mean x² + ε) over each channel's image, weight and
 * bias, then max(·, τ) with τ learned per channel from 0 (Singh & Krishnan, arXiv:1911.09737; ε = 1e-6, not learned).
 */
export class FilterResponseNorm extends ChannelAffineNorm {
  tau: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.tau = new Parameter([numFeatures], { ...options, value: 0 });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const power = mean(square(x), { dims: [2, 3], keepdim: true });
    return maximum(this.affine(mul(x, rsqrt(add(power, 1e-6)))), this.perChannel(this.tau));
  }
}
