import {
  AllOrNothing,
  add,
  batchNorm,
  copyInto,
  HostValue,
  hostNumbers,
  mul,
  noGrad,
  OpError,
  reshape,
  scope,
  sub,
  type Tensor,
  zeros,
} from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, checkTensors, showShape } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import type { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { affineParameters, checkNormOptions, type NormLayerOptions, normOptionNames, runningStats } from './norm-options.js';

/** Options of `BatchNorm2d`. */
export interface BatchNormLayerOptions extends NormLayerOptions {
  /** Share of the newest batch in the running statistics; `null` for the plain average of all batches. Default 0.1. */
  readonly momentum?: number | null;
  /** Keep running statistics; without them evaluation uses the batch's own, too. Default true. */
  readonly trackRunningStats?: boolean | undefined;
}

/**
 * Batch normalisation of [N, C, H, W] (or [N, C]) with running statistics, same shape out (PyTorch's `nn.BatchNorm2d`). In
 * training it uses the batch's mean and variance, in evaluation the running ones: with momentum 0.1 a moving average, with
 * `null` (PyTorch's None) that of all batches since the counter `numBatchesTracked` was 0. Without `trackRunningStats` there are none.
 */
export class BatchNorm2d extends Module {
  readonly eps: number;
  readonly momentum: number | null;
  weight: Parameter | undefined;
  bias: Parameter | undefined;
  runningMean: Tensor | undefined;
  runningVar: Tensor | undefined;
  private readonly tracked = new HostValue(0);

  constructor(
    readonly numFeatures: number,
    options: BatchNormLayerOptions = {},
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('BatchNorm2d', options, [...normOptionNames, 'momentum', 'trackRunningStats']);
    checkNumber('BatchNorm2d', { numFeatures }, { from: 1, whole: true });
    const { device, affine = true, eps = 1e-5, trackRunningStats = true } = options;
    checkNormOptions('BatchNorm2d', { eps, affine });
    checkFlags('BatchNorm2d', { trackRunningStats });
    this.eps = eps;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    if (this.momentum !== null) checkNumber('BatchNorm2d', { momentum: this.momentum }, { from: 0, to: 1 });
    [this.weight, this.bias] = affineParameters([numFeatures], { affine, device });
    [this.runningMean, this.runningVar] = runningStats(numFeatures, { trackRunningStats, device });
    whole.done();
  }

  /** Whether there are running statistics. */
  get trackRunningStats(): boolean {
    return this.runningMean !== undefined;
  }

  /** Batches seen in training; saved and restored, as PyTorch does. Without running statistics it stays 0, and is not saved. */
  get numBatchesTracked(): number {
    return this.tracked.value;
  }
  set numBatchesTracked(count: number) {
    checkNumber('BatchNorm2d', { numBatchesTracked: count }, { from: 0, whole: true });
    this.tracked.value = count;
  }

  override extraRepr(): string {
    return showSettings(
      [this.numFeatures],
      { eps: this.eps, momentum: this.momentum, affine: this.weight !== undefined, trackRunningStats: this.trackRunningStats },
      { eps: 1e-5, momentum: 0.1, affine: true, trackRunningStats: true },
    );
  }

  override forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, training, momentum, eps } = this;
    if (!runningMean || !runningVar) return batchNorm(x, { weight, bias, training: true, eps });
    if (training && momentum === null) return this.forwardAveraging(x, { runningMean, runningVar });
    const y = batchNorm(x, { weight, bias, runningMean, runningVar, training, momentum: momentum ?? 0, eps });
    if (training) this.tracked.change((count) => count + 1);
    return y;
  }

  /** The batch's statistics enter the running ones with 1 / (batches so far), a number that each use has of its own. */
  private forwardAveraging(x: Tensor, { runningMean, runningVar }: Readonly<Record<'runningMean' | 'runningVar', Tensor>>): Tensor {
    const { weight, bias, eps, numFeatures } = this;
    const { device } = x;
    return scope(() => {
      const [batchMean, batchVar] = [zeros([numFeatures], { device }), zeros([numFeatures], { device })];
      const y = batchNorm(x, { weight, bias, runningMean: batchMean, runningVar: batchVar, training: true, momentum: 1, eps });
      this.tracked.change((count) => count + 1);
      // A batch of no images has no statistics, though it counts.
      if (x.size === 0) return y;
      const share = hostNumbers({ device, count: 1, dtype: 'f32', label: 'share of a batch' }, () => [1 / this.tracked.value]);
      noGrad(() => {
        copyInto(runningMean, add(runningMean, mul(sub(batchMean, runningMean), share)));
        copyInto(runningVar, add(runningVar, mul(sub(batchVar, runningVar), share)));
      });
      return y;
    });
  }
}

/** Batch normalisation of [N, C] or [N, C, L], same shape out (PyTorch's `nn.BatchNorm1d`); otherwise as `BatchNorm2d`. */
export class BatchNorm1d extends BatchNorm2d {
  override forward(x: Tensor): Tensor {
    checkTensors('BatchNorm1d', { x });
    if (x.ndim === 2) return super.forward(x);
    if (x.ndim !== 3) throw new OpError('BatchNorm1d', `takes [N, C] or [N, C, L], got ${showShape(x.shape)}`);
    return reshape(super.forward(reshape(x, [...x.shape, 1])), x.shape);
  }
}
