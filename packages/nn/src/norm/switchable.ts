import { AllOrNothing, add, mean, mul, narrow, reshape, rsqrt, softmax, sub, type Tensor, varMean } from '@initlab/core';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { unit } from './variance-unit.js';

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
    using whole = new AllOrNothing([this]);
    this.meanWeight = new Parameter([3], { ...options, value: 1 });
    this.varWeight = new Parameter([3], { ...options, value: 1 });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const instance = varMean(x, { dims: [2, 3], keepdim: true, correction: 0, unit });
    const layer = joined(instance, [1]);
    // Of no images the statistics are NaN, and a gradient of nothing times NaN would be no longer 0.
    const batch = x.shape[0] === 0 ? instance : joined(instance, [0]);
    const [, ofLayer, ofBatch] = shares(this.meanWeight);
    // Around the instance's mean: the shares add up to 1, and a mixture of large means would lose the digits of the spread.
    const centred = sub(x, mul(instance.mean, 1 / unit));
    const shift = add(mul(sub(layer.mean, instance.mean), ofLayer), mul(sub(batch.mean, instance.mean), ofBatch));
    const variance = mixture(shares(this.varWeight), [instance.variance, layer.variance, batch.variance]);
    return this.affine(mul(sub(centred, mul(shift, 1 / unit)), mul(rsqrt(add(variance, eps * unit ** 2)), unit)));
  }
}

interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Mean and variance over more dimensions from those of equally large parts. */
function joined(parts: Moments, dims: readonly number[]): Moments {
  const between = varMean(parts.mean, { dims, keepdim: true, correction: 0 });
  return { mean: between.mean, variance: add(mean(parts.variance, { dims, keepdim: true }), between.variance) };
}

/** The softmax of a vector of three, each as a tensor that broadcasts. */
function shares(weight: Tensor): [Tensor, Tensor, Tensor] {
  const all = softmax(reshape(weight, [1, 3]), { dim: 1 });
  const share = (i: number): Tensor => reshape(narrow(all, { dim: 1, start: i, length: 1 }), [1, 1, 1, 1]);
  return [share(0), share(1), share(2)];
}

/** Sum of three statistics that broadcast with each other, by their shares. */
const mixture = ([a, b, c]: [Tensor, Tensor, Tensor], [first, second, third]: readonly [Tensor, Tensor, Tensor]): Tensor =>
  add(add(mul(first, a), mul(second, b)), mul(third, c));
