import { AllOrNothing, abs, add, groupNorm, mean, mul, type Tensor, tanh } from '@initlab/core';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { groupsFor } from './factory.js';

/**
 * Channel-adaptive norm: GN(x) · (1 + ½ tanh(a · mean|x| + b)), the mean over each channel's image, a and b per channel and
 * 0 at first, then weight and bias (MLS-Bench).
 */
export class ChannelAdaptiveNorm extends ChannelAffineNorm {
  adaptWeight: Parameter;
  adaptBias: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.adaptWeight = new Parameter([numFeatures], { ...options, value: 0 });
    this.adaptBias = new Parameter([numFeatures], { ...options, value: 0 });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const size = mean(abs(x), { dims: [2, 3], keepdim: true });
    const turn = tanh(add(mul(size, this.perChannel(this.adaptWeight)), this.perChannel(this.adaptBias)));
    const normal = groupNorm(x, { groups: groupsFor(this.numFeatures) });
    return this.affine(mul(normal, add(mul(turn, 0.5), 1)));
  }
}
