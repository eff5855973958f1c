import { AllOrNothing, add, copyInto, expand, mul, noGrad, reshape, rsqrt, scope, sigmoid, sub, type Tensor, varMean } from '@initlab/core';
import { sizeOf } from '@initlab/core/internal';
import { Parameter, stateTensor } from '../module/parameter.js';
import { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
import { groupsFor } from './factory.js';
import { unit } from './variance-unit.js';

/** In parts of x: `unit` and its square. */
interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

const eps = 1e-5;
/** Share of the newest batch in the running statistics, batch norm's default. */
const momentum = 0.1;

/**
 * Batch-group norm: mean and variance are mixtures of batch norm's and group norm's, with learned shares σ(α) and σ(β) per
 * channel, ½ at first, then weight and bias; batch norm's part uses running statistics in evaluation (an entry of MLS-Bench
 * dl-normalization).
 */
export class BatchGroupNorm extends ChannelAffineNorm {
  meanGate: Parameter;
  varGate: Parameter;
  runningMean: Tensor;
  runningVar: Tensor;

  constructor(numFeatures: number, options: ChannelNormOptions = {}) {
    super(numFeatures, options);
    using whole = new AllOrNothing([this]);
    this.meanGate = new Parameter([numFeatures], { ...options, value: 0 });
    this.varGate = new Parameter([numFeatures], { ...options, value: 0 });
    this.runningMean = stateTensor([numFeatures], { ...options, value: 0 });
    this.runningVar = stateTensor([numFeatures], { ...options, value: 1 });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    const image = varMean(x, { dims: [2, 3], keepdim: true, correction: 0, unit });
    const group = this.ofGroups(x);
    // A batch of no images has no statistics of its own and moves none, as with batch norm.
    const own = (): Moments => (x.shape[0] === 0 ? image : this.ofBatch(x));
    const batch = this.training ? own() : this.running();
    // Around the image's own mean: a mixture of large means would lose the digits of the spread.
    const shift = this.mixed(this.meanGate, sub(batch.mean, image.mean), sub(group.mean, image.mean));
    const variance = this.mixed(this.varGate, batch.variance, group.variance);
    const centred = sub(sub(x, mul(image.mean, 1 / unit)), mul(shift, 1 / unit));
    return this.affine(mul(centred, mul(rsqrt(add(variance, eps * unit ** 2)), unit)));
  }

  private mixed(gate: Tensor, ofBatch: Tensor, ofGroup: Tensor): Tensor {
    const share = this.perChannel(sigmoid(gate));
    return add(mul(share, ofBatch), mul(sub(1, share), ofGroup));
  }

  /** Of each channel's group: [N, C, 1, 1]. From x itself: the spread of large means would be rounded away. */
  private ofGroups(x: Tensor): Moments {
    const [batch, channels] = x.shape as [number, number];
    const groups = groupsFor(this.numFeatures);
    const { mean, variance } = varMean(reshape(x, [batch, groups, sizeOf(x.shape.slice(1)) / groups]), {
      dims: [2],
      keepdim: true,
      correction: 0,
      unit,
    });
    const spread = (statistic: Tensor): Tensor => reshape(expand(statistic, [batch, groups, channels / groups]), [batch, channels, 1, 1]);
    return { mean: spread(mean), variance: spread(variance) };
  }

  /** Of the batch, [1, C, 1, 1]; the running ones move towards them. */
  private ofBatch(x: Tensor): Moments {
    const all = varMean(x, { dims: [0, 2, 3], keepdim: true, correction: 0, unit });
    const count = x.size / this.numFeatures;
    noGrad(() =>
      scope(() => {
        const move = (running: Tensor, newest: Tensor): void =>
          void copyInto(running, add(mul(running, 1 - momentum), mul(reshape(newest.detach(), running.shape), momentum)));
        move(this.runningMean, mul(all.mean.detach(), 1 / unit));
        // As batch norm keeps it: the unbiased estimate.
        move(this.runningVar, mul(all.variance.detach(), count / Math.max(1, count - 1) / unit ** 2));
      }),
    );
    return all;
  }

  private running(): Moments {
    return { mean: mul(this.perChannel(this.runningMean), unit), variance: mul(this.perChannel(this.runningVar), unit ** 2) };
  }
}
