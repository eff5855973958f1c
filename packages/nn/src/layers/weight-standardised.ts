import { layerNorm, reshape, type Tensor } from '@initlab/core';
import { Conv2d } from './conv2d.js';

/**
 * A convolution with standardised weights: (w − mean) / √(var + 1e-5) over each output channel's weights, the biased
 * variance (Qiao et al., arXiv:1903.10520). State-dict keys are Conv2d's.
 */
export class WeightStandardisedConv2d extends Conv2d {
  override effectiveWeight(): Tensor {
    // Each output channel's weights are a row that is normalised.
    const { shape } = this.weight;
    const rows = reshape(this.weight, [shape[0] ?? 1, -1]);
    return reshape(layerNorm(rows, { normalizedShape: [rows.shape[1] ?? 1], eps: 1e-5 }), shape);
  }
}
