import { AllOrNothing, add, mul, sigmoid, sub, type Tensor } from '@initlab/core';
import { GroupNorm } from '../layers/group-norm.js';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { groupsFor } from './factory.js';

/**
 * Gated group norm: g · GN(x) + (1 − g) · x with a gate g = σ(ρ) per channel, ρ = 2 at first; the group norm has weight and
 * bias of its own, and others follow (an entry of MLS-Bench dl-normalization).
 */
export class GatedGroupNorm extends ChannelAffineNorm {
  groupNorm: GroupNorm;
  gate: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.groupNorm = new GroupNorm(groupsFor(numFeatures), numFeatures, options);
    this.gate = new Parameter([numFeatures], { ...options, value: 2 });
    whole.done();
  }

  /** What the gate lets past the norm. */
  protected passed(x: Tensor): Tensor {
    return x;
  }

  override forward(x: Tensor): Tensor {
    const gate = this.perChannel(sigmoid(this.gate));
    return this.affine(add(mul(gate, this.groupNorm.forward(x)), mul(sub(1, gate), this.passed(x))));
  }
}

/** Gated group norm whose skip is scaled: g · GN(x) + (1 − g) · (s · x), s = 1 at first, per channel (MLS-Bench). */
export class SkipScaledGroupNorm extends GatedGroupNorm {
  skipScale: Parameter;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.skipScale = new Parameter([numFeatures], { ...options, value: 1 });
    whole.done();
  }

  protected override passed(x: Tensor): Tensor {
    return mul(x, this.perChannel(this.skipScale));
  }
}
