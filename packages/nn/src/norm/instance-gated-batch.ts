import { AllOrNothing, add, mean, mul, sigmoid, type Tensor } from '@initlab/core';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';

/**
 * Instance enhancement batch norm: BN(x) · γ · σ(a · mean x + b) + β, the mean over each channel's image, a = 0 and b = −1 at
 * first, per channel; running statistics in evaluation (Liang et al., arXiv:1908.04008).
 */
export class InstanceGatedBatchNorm extends ChannelAffineNorm {
  gateWeight: Parameter;
  gateBias: Parameter;
  batchNorm: BatchNorm2d;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.gateWeight = new Parameter([numFeatures], { ...options, value: 0 });
    this.gateBias = new Parameter([numFeatures], { ...options, value: -1 });
    this.batchNorm = new BatchNorm2d(numFeatures, { ...options, affine: false });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const size = mean(x, { dims: [2, 3], keepdim: true });
    const gate = sigmoid(add(mul(size, this.perChannel(this.gateWeight)), this.perChannel(this.gateBias)));
    return this.affine(mul(this.batchNorm.forward(x), gate));
  }
}
