import { AllOrNothing, add, maximum, mean, mul, rsqrt, square, type Tensor } from '@initlab/core';
import { checkTensors } from '@initlab/core/internal';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { unit } from './variance-unit.js';

const eps = 1e-6;

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
    checkTensors('FilterResponseNorm', { x });
    // Halves have their squares within f32 anyway.
    const down = x.dtype === 'f16' ? 1 : unit;
    const power = mean(square(down === 1 ? x : mul(x, down)), { dims: [2, 3], keepdim: true });
    const inverse = rsqrt(add(power, eps * down ** 2));
    return maximum(this.affine(mul(x, down === 1 ? inverse : mul(inverse, down))), this.perChannel(this.tau));
  }
}
