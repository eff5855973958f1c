import {
  adaptiveAvgPool2d,
  avgPool2d,
  checkedPair,
  checkFlags,
  checkOptions,
  maxPool2d,
  OpError,
  type Pair,
  showValue,
  type Tensor,
} from '@initlab/core';
import { showSettings } from '../module/show-settings.js';
import { Module } from '../module/module.js';

/** Options of `MaxPool2d` and `AvgPool2d`; a pair is [height, width], one number stands for both. */
export interface PoolLayerOptions {
  /** Default: the kernel's size. */
  readonly stride?: Pair;
  /** Border on every side: −∞ for the largest value, zeros for the mean. Default 0. */
  readonly padding?: Pair;
}

/** Options of `AvgPool2d`. */
export interface AvgPoolLayerOptions extends PoolLayerOptions {
  /** Whether the border's zeros count in the mean. Default true. */
  readonly countIncludePad?: boolean;
}

function checkWindow(name: string, kernelSize: Pair, { stride = kernelSize, padding = 0 }: PoolLayerOptions): void {
  const kernel = checkedPair(name, { kernelSize });
  checkedPair(name, { stride });
  const border = checkedPair(name, { padding }, 0);
  if (border.some((p, i) => p > (kernel[i] as number) / 2))
    throw new OpError(name, `padding ${showValue(padding)} must be at most half the kernel ${showValue(kernelSize)}`);
}

/** Largest value of each window, [N, C, H, W] → [N, C, H', W'] (PyTorch's `nn.MaxPool2d`). */
export class MaxPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: PoolLayerOptions = {},
  ) {
    super();
    checkOptions('MaxPool2d', options, ['stride', 'padding']);
    checkWindow('MaxPool2d', kernelSize, options);
  }
  override extraRepr(): string {
    const { kernelSize, options } = this;
    const { stride = kernelSize, padding = 0 } = options;
    return showSettings([kernelSize], { stride, padding }, { stride: kernelSize, padding: 0 });
  }
  override forward(x: Tensor): Tensor {
    return maxPool2d(x, { kernelSize: this.kernelSize, ...this.options });
  }
}

/** Mean of each window, [N, C, H, W] → [N, C, H', W'] (PyTorch's `nn.AvgPool2d`). */
export class AvgPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: AvgPoolLayerOptions = {},
  ) {
    super();
    checkOptions('AvgPool2d', options, ['stride', 'padding', 'countIncludePad']);
    checkFlags('AvgPool2d', { countIncludePad: options.countIncludePad });
    checkWindow('AvgPool2d', kernelSize, options);
  }
  override extraRepr(): string {
    const { kernelSize, options } = this;
    const { stride = kernelSize, padding = 0, countIncludePad = true } = options;
    return showSettings([kernelSize], { stride, padding, countIncludePad }, { stride: kernelSize, padding: 0, countIncludePad: true });
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, { kernelSize: this.kernelSize, ...this.options });
  }
}

/** Average pooling to `outputSize`, [N, C, H, W] → [N, C, …outputSize] (PyTorch's `nn.AdaptiveAvgPool2d`); 1 is global average pooling. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Pair) {
    super();
    checkedPair('AdaptiveAvgPool2d', { outputSize });
  }
  override extraRepr(): string {
    return showSettings([this.outputSize]);
  }
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}
