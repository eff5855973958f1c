import { AllOrNothing, add, groupNorm, mean, mul, type Tensor, tanh } from '@initlab/core';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { groupsFor } from './factory.js';

/**
 * Group norm with excitation: GN(x) · (1 + tanh(a · mean x + b)), the mean over each channel's image, a and b per channel and 0
 * at first, then weight and bias (an entry of MLS-Bench dl-normalization).
 */
export class GroupExciteNorm extends ChannelAffineNorm {
  squeezeWeight: Parameter;
  squeezeBias: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.squeezeWeight = new Parameter([numFeatures], { ...options, value: 0 });
    this.squeezeBias = new Parameter([numFeatures], { ...options, value: 0 });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const squeezed = mean(x, { dims: [2, 3], keepdim: true });
    const excited = tanh(add(mul(squeezed, this.perChannel(this.squeezeWeight)), this.perChannel(this.squeezeBias)));
    return this.affine(mul(groupNorm(x, { groups: groupsFor(this.numFeatures) }), add(excited, 1)));
  }
}
