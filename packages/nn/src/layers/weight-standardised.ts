import { add, mean, mul, rsqrt, square, sub, type Tensor } from '@initlab/core';
import { Conv2d } from './conv2d.js';

/**
 * A convolution with standardised weights: (w − mean) / √(var + 1e-5) over each output channel's weights, the biased
 * variance (Qiao et al., arXiv:1903.10520). State-dict keys are Conv2d's.
 */
export class WeightStandardisedConv2d extends Conv2d {
  override effectiveWeight(): Tensor {
    const over = { dims: [1, 2, 3], keepdim: true };
    const centred = sub(this.weight, mean(this.weight, over));
    return mul(centred, rsqrt(add(mean(square(centred), over), 1e-5)));
  }
}
