import { AllOrNothing, add, batchNorm, instanceNorm, mul, sigmoid, sub, type Tensor } from '@initlab/core';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';

/**
 * Batch-instance norm: g · BN(x) + (1 − g) · IN(x) with a gate g = σ(ρ) per channel, ρ = 1 at first, then weight and bias
 * (Nam & Kim, arXiv:1805.07925, as MLS-Bench has it: batch statistics in evaluation too, no running ones).
 */
export class BatchInstanceNorm extends ChannelAffineNorm {
  rho: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.rho = new Parameter([numFeatures], { ...options, value: 1 });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const gate = this.perChannel(sigmoid(this.rho));
    const mixed = add(mul(gate, batchNorm(x, { training: true })), mul(sub(1, gate), instanceNorm(x)));
    return this.affine(mixed);
  }
}
