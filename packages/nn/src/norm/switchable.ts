import { add, mean, mul, narrow, reshape, rsqrt, softmax, square, sub, type Tensor } from '@initlab/core';
import { Parameter } from '../parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';

const eps = 1e-5;

/**
 * Switchable norm: mean and variance are mixtures of those over the image (instance), the sample (layer) and the batch,
 * with softmax weights of two learned vectors of three, 1 at first; then weight and bias (Luo et al., arXiv:1806.10779, as
 * MLS-Bench has it: no running statistics).
 */
export class SwitchableNorm extends ChannelAffineNorm {
  meanWeight: Parameter;
  varWeight: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    this.meanWeight = new Parameter([3], { ...options, value: 1 });
    this.varWeight = new Parameter([3], { ...options, value: 1 });
  }

  override forward(x: Tensor): Tensor {
    const instance = mean(x, { dims: [2, 3], keepdim: true });
    const variance = mean(square(sub(x, instance)), { dims: [2, 3], keepdim: true });
    const layer = joined({ mean: instance, variance }, [1]);
    const batch = joined({ mean: instance, variance }, [0]);
    const means = mixture(this.meanWeight, [instance, layer.mean, batch.mean]);
    const variances = mixture(this.varWeight, [variance, layer.variance, batch.variance]);
    return this.affine(mul(sub(x, means), rsqrt(add(variances, eps))));
  }
}

/**
 * Mean and variance over more dimensions from those of equally large parts. The variance of the means is taken around
 * their mean, not as E[m²] − E[m]², which would lose all digits for a large mean.
 */
function joined(parts: { mean: Tensor; variance: Tensor }, dims: readonly number[]): { mean: Tensor; variance: Tensor } {
  const whole = mean(parts.mean, { dims, keepdim: true });
  const between = mean(square(sub(parts.mean, whole)), { dims, keepdim: true });
  return { mean: whole, variance: add(mean(parts.variance, { dims, keepdim: true }), between) };
}

/** Softmax-weighted sum of three statistics that broadcast with each other. */
function mixture(weight: Tensor, [first, second, third]: readonly [Tensor, Tensor, Tensor]): Tensor {
  const shares = softmax(reshape(weight, [1, 3]), { dim: 1 });
  const share = (i: number): Tensor => reshape(narrow(shares, { dim: 1, start: i, length: 1 }), [1, 1, 1, 1]);
  return add(add(mul(first, share(0)), mul(second, share(1))), mul(third, share(2)));
}
