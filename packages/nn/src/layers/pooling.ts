import { adaptiveAvgPool2d, avgPool2d, maxPool2d, type Pair, type Tensor } from '@initlab/core';
import { Module } from '../module.js';

export interface PoolLayerOptions {
  /** Default: the kernel's size. */
  readonly stride?: Pair;
  readonly padding?: Pair;
}

/** Largest value of each window (PyTorch's `nn.MaxPool2d`). */
export class MaxPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: PoolLayerOptions = {},
  ) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return maxPool2d(x, { kernelSize: this.kernelSize, ...this.options });
  }
}

/** Mean of each window (PyTorch's `nn.AvgPool2d`). */
export class AvgPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: PoolLayerOptions & { countIncludePad?: boolean } = {},
  ) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, { kernelSize: this.kernelSize, ...this.options });
  }
}

/** Average pooling to a given size (PyTorch's `nn.AdaptiveAvgPool2d`); 1 is global average pooling. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Pair) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}
