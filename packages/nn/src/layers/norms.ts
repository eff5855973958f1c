import { batchNorm, type Device, groupNorm, instanceNorm, layerNorm, onEachStep, type Tensor } from '@initlab/core';
import { Module } from '../module.js';
import { Parameter, stateTensor } from '../parameter.js';

export interface NormLayerOptions {
  readonly eps?: number;
  /** Learn a weight and a bias; default true. */
  readonly affine?: boolean;
  readonly device?: Device | undefined;
}

/** Batch normalisation with running statistics (PyTorch's `nn.BatchNorm2d`). */
export class BatchNorm2d extends Module {
  readonly eps: number;
  readonly momentum: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;
  runningMean: Tensor;
  runningVar: Tensor;
  /** Batches seen in training; saved and restored, as PyTorch does. */
  numBatchesTracked = 0;

  constructor(
    readonly numFeatures: number,
    options: NormLayerOptions & { momentum?: number } = {},
  ) {
    super();
    const { device, affine = true } = options;
    this.eps = options.eps ?? 1e-5;
    this.momentum = options.momentum ?? 0.1;
    this.weight = affine ? new Parameter([numFeatures], { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter([numFeatures], { device, value: 0 }) : undefined;
    this.runningMean = stateTensor([numFeatures], { device, value: 0 });
    this.runningVar = stateTensor([numFeatures], { device, value: 1 });
  }

  override forward(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, training, momentum, eps } = this;
    if (training)
      onEachStep(() => {
        this.numBatchesTracked++;
      });
    return batchNorm(x, { weight, bias, runningMean, runningVar, training, momentum, eps });
  }
}

/** Group normalisation (PyTorch's `nn.GroupNorm`). */
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
    if (numChannels % numGroups !== 0) throw new Error(`GroupNorm: ${numGroups} groups do not divide ${numChannels} channels`);
    const { device, affine = true } = options;
    this.eps = options.eps ?? 1e-5;
    this.weight = affine ? new Parameter([numChannels], { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter([numChannels], { device, value: 0 }) : undefined;
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, { groups: this.numGroups, weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Instance normalisation (PyTorch's `nn.InstanceNorm2d`; `affine` defaults to true here, as the benchmarks use it). */
export class InstanceNorm2d extends Module {
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(
    readonly numFeatures: number,
    options: NormLayerOptions = {},
  ) {
    super();
    const { device, affine = true } = options;
    this.eps = options.eps ?? 1e-5;
    this.weight = affine ? new Parameter([numFeatures], { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter([numFeatures], { device, value: 0 }) : undefined;
  }

  override forward(x: Tensor): Tensor {
    return instanceNorm(x, { weight: this.weight, bias: this.bias, eps: this.eps });
  }
}

/** Layer normalisation over the last dimensions (PyTorch's `nn.LayerNorm`). */
export class LayerNorm extends Module {
  readonly eps: number;
  weight: Parameter | undefined;
  bias: Parameter | undefined;

  constructor(
    readonly normalizedShape: readonly number[],
    options: NormLayerOptions = {},
  ) {
    super();
    const { device, affine = true } = options;
    this.eps = options.eps ?? 1e-5;
    this.weight = affine ? new Parameter(normalizedShape, { device, value: 1 }) : undefined;
    this.bias = affine ? new Parameter(normalizedShape, { device, value: 0 }) : undefined;
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, { normalizedShape: this.normalizedShape, weight: this.weight, bias: this.bias, eps: this.eps });
  }
}
