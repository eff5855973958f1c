import {
  AllOrNothing,
  add,
  batchNorm,
  checkFlags,
  checkNumber,
  checkOptions,
  checkSizes,
  copyInto,
  type Device,
  groupNorm,
  HostValue,
  hostNumbers,
  instanceNorm,
  layerNorm,
  mean,
  mul,
  noGrad,
  OpError,
  scope,
  sub,
  type Tensor,
  varMean,
  zeros,
} from '@initlab/core';
import { Module } from '../module/module.js';
import { Parameter, stateTensor } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';

/** Options of the norm layers. */
export interface NormLayerOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Learn a weight (1 at first) and a bias (0 at first); default true. */
  readonly affine?: boolean;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
}

/** Options of `BatchNorm2d`. */
export interface BatchNormLayerOptions extends NormLayerOptions {
  /** Share of the newest batch in the running statistics; `null` for the plain average of all batches. Default 0.1. */
  readonly momentum?: number | null;
  /** Keep running statistics; without them evaluation uses the batch's own, too. Default true. */
  readonly trackRunningStats?: boolean | undefined;
}

/** Options of `InstanceNorm2d`. */
export interface InstanceNormLayerOptions extends NormLayerOptions {
  /** Share of the newest batch in the running statistics; with `null` they stay, since PyTorch does not count batches here. Default 0.1. */
  readonly momentum?: number | null | undefined;
  /** Keep running statistics, the means over all images of their own, for evaluation. Default false. */
  readonly trackRunningStats?: boolean | undefined;
}

const optionNames = ['eps', 'affine', 'device'] as const;

function checkNormOptions(name: string, { eps, affine }: { eps: number; affine: boolean }): void {
  checkNumber(name, { eps }, { from: 0 });
  checkFlags(name, { affine });
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
    checkOptions('BatchNorm2d', options, [...optionNames, 'momentum', 'trackRunningStats']);
    checkNumber('BatchNorm2d', { numFeatures }, { from: 1, whole: true });
    const { device, affine = true, eps = 1e-5, trackRunningStats = true } = options;
    checkNormOptions('BatchNorm2d', { eps, affine });
    checkFlags('BatchNorm2d', { trackRunningStats });
    this.eps = eps;
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum;
    if (this.momentum !== null) checkNumber('BatchNorm2d', { momentum: this.momentum }, { from: 0, to: 1 });
    this.weight = affine ? new Parameter([numFeatures], { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter([numFeatures], { device, value: 0 }) : undefined;
    this.runningMean = trackRunningStats ? stateTensor([numFeatures], { device, value: 0 }) : undefined;
    this.runningVar = trackRunningStats ? stateTensor([numFeatures], { device, value: 1 }) : undefined;
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

/** Group normalisation of [N, C, H, W], `numGroups` dividing C, same shape out (PyTorch's `nn.GroupNorm`). */
export class GroupNorm extends Module {
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: NormLayerOptions = {},
  ) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('GroupNorm', options, optionNames);
    checkNumber('GroupNorm', { numGroups, numChannels }, { from: 1, whole: true });
    if (numChannels % numGroups !== 0) throw new OpError('GroupNorm', `${numGroups} groups do not divide ${numChannels} channels`);
    const { device, affine = true, eps = 1e-5 } = options;
    checkNormOptions('GroupNorm', { eps, affine });
    this.eps = eps;
    this.weight = affine ? new Parameter([numChannels], { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter([numChannels], { device, value: 0 }) : undefined;
    whole.done();
  }

  override extraRepr(): string {
    return showSettings(
      [this.numGroups, this.numChannels],
      { eps: this.eps, affine: this.weight !== undefined },
      { eps: 1e-5, affine: true },
    );
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, { groups: this.numGroups, weight: this.weight, bias: this.bias, eps: this.eps });
  }
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
    checkOptions('InstanceNorm2d', options, [...optionNames, 'momentum', 'trackRunningStats']);
    checkNumber('InstanceNorm2d', { numFeatures }, { from: 1, whole: true });
    const { device, affine = true, eps = 1e-5, momentum = 0.1, trackRunningStats = false } = options;
    checkNormOptions('InstanceNorm2d', { eps, affine });
    checkNumber('InstanceNorm2d', { momentum: momentum ?? 0 }, { from: 0, to: 1 });
    checkFlags('InstanceNorm2d', { trackRunningStats });
    this.eps = eps;
    this.momentum = momentum;
    this.runningMean = trackRunningStats ? stateTensor([numFeatures], { device, value: 0 }) : undefined;
    this.runningVar = trackRunningStats ? stateTensor([numFeatures], { device, value: 1 }) : undefined;
    this.weight = affine ? new Parameter([numFeatures], { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter([numFeatures], { device, value: 0 }) : undefined;
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

/** Layer normalisation over the last dimensions, whose sizes it takes (one may be a number); same shape out (PyTorch's `nn.LayerNorm`). */
export class LayerNorm extends Module {
  readonly eps: number;
  readonly normalizedShape: readonly number[];
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: NormLayerOptions = {}) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('LayerNorm', options, optionNames);
    this.normalizedShape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    checkSizes('LayerNorm', { normalizedShape });
    const { device, affine = true, eps = 1e-5 } = options;
    checkNormOptions('LayerNorm', { eps, affine });
    this.eps = eps;
    this.weight = affine ? new Parameter(this.normalizedShape, { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter(this.normalizedShape, { device, value: 0 }) : undefined;
    whole.done();
  }

  override extraRepr(): string {
    return showSettings([this.normalizedShape], { eps: this.eps, affine: this.weight !== undefined }, { eps: 1e-5, affine: true });
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, { normalizedShape: this.normalizedShape, weight: this.weight, bias: this.bias, eps: this.eps });
  }
}
