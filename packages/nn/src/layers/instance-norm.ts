import { AllOrNothing, add, batchNorm, copyInto, instanceNorm, mean, mul, noGrad, scope, type Tensor, varMean } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import type { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';
import { affineParameters, checkNormOptions, type NormLayerOptions, normOptionNames, runningStats } from './norm-options.js';

/** Options of `InstanceNorm2d`. */
export interface InstanceNormLayerOptions extends NormLayerOptions {
  /** Share of the newest batch in the running statistics; with `null` they stay, since PyTorch does not count batches here. Default 0.1. */
  readonly momentum?: number | null | undefined;
  /** Keep running statistics, the means over all images of their own, for evaluation. Default false. */
  readonly trackRunningStats?: boolean | undefined;
}

/**
 * Instance normalisation of [N, C, H, W], same shape out (PyTorch's `nn.InstanceNorm2d`; `affine` defaults to true here, as the
 * benchmarks use it). With `trackRunningStats` evaluation uses running averages of the images' statistics.
 */
export class InstanceNorm2d extends Module {
  readonly eps: number;
  readonly momentum: number | null;
  weight: Parameter | undefined;
  bias: Parameter | undefined;
  runningMean: Tensor | undefined;
  runningVar: Tensor | undefined;
  /** In files, where PyTorch has it, too, and does not count. */
  numBatchesTracked = 0;

  constructor(
    readonly numFeatures: number,
    options: InstanceNormLayerOptions = {},
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('InstanceNorm2d', options, [...normOptionNames, 'momentum', 'trackRunningStats']);
    checkNumber('InstanceNorm2d', { numFeatures }, { from: 1, whole: true });
    const { device, affine = true, eps = 1e-5, momentum = 0.1, trackRunningStats = false } = options;
    checkNormOptions('InstanceNorm2d', { eps, affine });
    checkNumber('InstanceNorm2d', { momentum: momentum ?? 0 }, { from: 0, to: 1 });
    checkFlags('InstanceNorm2d', { trackRunningStats });
    this.eps = eps;
    this.momentum = momentum;
    [this.runningMean, this.runningVar] = runningStats(numFeatures, { trackRunningStats, device });
    [this.weight, this.bias] = affineParameters([numFeatures], { affine, device });
    whole.done();
  }

  /** Whether there are running statistics. */
  get trackRunningStats(): boolean {
    return this.runningMean !== undefined;
  }

  override extraRepr(): string {
    const { eps, momentum, trackRunningStats } = this;
    return showSettings(
      [this.numFeatures],
      { eps, momentum, affine: this.weight !== undefined, trackRunningStats },
      { eps: 1e-5, momentum: 0.1, affine: true, trackRunningStats: false },
    );
  }

  override forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, eps } = this;
    if (!runningMean || !runningVar) return instanceNorm(x, { weight, bias, eps });
    if (!this.training) return batchNorm(x, { weight, bias, runningMean, runningVar, eps });
    const y = instanceNorm(x, { weight, bias, eps });
    if (x.size > 0 && this.momentum !== null)
      noGrad(() => scope(() => this.track(varMean(x, { dims: [2, 3] }), { runningMean, runningVar })));
    return y;
  }

  /** The images' statistics, on average, enter the running ones. */
  private track(found: Readonly<Record<'mean' | 'variance', Tensor>>, to: Readonly<Record<'runningMean' | 'runningVar', Tensor>>): void {
    const momentum = this.momentum ?? 0;
    const move = (running: Tensor, each: Tensor): void =>
      void copyInto(running, add(mul(running, 1 - momentum), mul(mean(each, { dims: [0] }), momentum)));
    move(to.runningMean, found.mean);
    move(to.runningVar, found.variance);
  }
}
