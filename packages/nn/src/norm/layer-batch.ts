import { groupNorm, type Tensor } from '@initlab/core';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { Module } from '../module/module.js';
import type { ChannelNormOptions } from './channel-affine.js';

/** Layer norm over [C, H, W] without weights, then batch norm with its own and with running statistics (an entry of MLS-Bench dl-normalization). */
export class LayerBatchNorm extends Module {
  batchNorm: BatchNorm2d;

  constructor(
    readonly numFeatures: number,
    options: ChannelNormOptions = {},
  ) {
    super();
    this.batchNorm = new BatchNorm2d(numFeatures, options);
  }

  override forward(x: Tensor): Tensor {
    return this.batchNorm.forward(groupNorm(x, { groups: 1 }));
  }
}
