import { AllOrNothing, add, type Device, Generator, groupNorm, mul, sigmoid, sub, type Tensor } from '@initlab/core';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { RandomModule } from '../layers/random-module.js';
import { Parameter } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { groupsFor } from './factory.js';

/** Deviation of the gate's noise, before the sigmoid. */
const noiseStd = 0.1;
/** Keeps the noise apart from others drawn with the same seed. */
const noiseStream = 0x4e42_0000;

/** What is added to a gate in training: a normal number per channel and use, the same on every adapter. */
class GateNoise extends RandomModule {
  constructor(readonly numFeatures: number) {
    super();
  }

  override forward(gate: Tensor): Tensor {
    if (!this.training) return gate;
    using noise = this.noiseOf(gate.device);
    return add(gate, noise);
  }

  private noiseOf(device: Device): Tensor {
    return this.drawn({ device, count: this.numFeatures, dtype: 'f32', label: 'gate noise' }, (step) => {
      const generator = new Generator(this.seed, { stream: (noiseStream + step) >>> 0 });
      return Array.from({ length: this.numFeatures }, () => noiseStd * generator.normal());
    });
  }
}

/**
 * Noisy batch-group norm: g · BN(x) + (1 − g) · GN(x) with a gate g = σ(ρ + ε) per channel, ρ = 0 at first; in training ε is
 * N(0, 0.1²), in evaluation 0, and batch norm then uses its running statistics. Weight and bias follow (an entry of MLS-Bench
 * dl-normalization, whose deviation of the noise is not known).
 */
export class NoisyBatchGroupNorm extends ChannelAffineNorm {
  rho: Parameter;
  batchNorm: BatchNorm2d;
  noise: GateNoise;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.rho = new Parameter([numFeatures], { ...options, value: 0 });
    this.batchNorm = new BatchNorm2d(numFeatures, { ...options, affine: false });
    this.noise = new GateNoise(numFeatures);
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const gate = this.perChannel(sigmoid(this.noise.forward(this.rho)));
    const group = groupNorm(x, { groups: groupsFor(this.numFeatures) });
    return this.affine(add(mul(gate, this.batchNorm.forward(x)), mul(sub(1, gate), group)));
  }
}
