import {
  type AdaptiveSize,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  maxPool2d,
  OpError,
  type Pair,
  type Tensor,
} from '@initlab/core';
import { checkedAdaptiveSize, checkedPair, checkFlags, checkNumber, checkOptions, showValue } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { showSettings } from '../module/show-settings.js';

/** What options of `MaxPool2d` and `AvgPool2d` have in common; a pair is [height, width], one number stands for both. */
export interface PoolLayerOptions {
  /** Default: the kernel's size. */
  readonly stride?: Pair;
  /** Border on every side: −∞ for the largest value, zeros for the mean. Default 0. */
  readonly padding?: Pair;
  /** A last window that reaches beyond the border counts, too, where it begins before the end of the image. Default false. */
  readonly ceilMode?: boolean;
}

/** Options of `MaxPool2d`. */
export interface MaxPoolLayerOptions extends PoolLayerOptions {
  /** Pixels from one element of the window to the next. Default 1. */
  readonly dilation?: Pair;
}

/** Options of `AvgPool2d`. */
export interface AvgPoolLayerOptions extends PoolLayerOptions {
  /** Whether the border's zeros count in the mean. Default true. */
  readonly countIncludePad?: boolean;
  /** What each window's sum is divided by, instead of its size; not 0. */
  readonly divisorOverride?: number;
}

function checkWindow(name: string, kernelSize: Pair, { stride = kernelSize, padding = 0, ceilMode }: PoolLayerOptions): void {
  checkFlags(name, { ceilMode });
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
    readonly options: MaxPoolLayerOptions = {},
  ) {
    super();
    checkOptions('MaxPool2d', options, ['stride', 'padding', 'dilation', 'ceilMode']);
    checkWindow('MaxPool2d', kernelSize, options);
    checkedPair('MaxPool2d', { dilation: options.dilation ?? 1 });
  }
  override extraRepr(): string {
    const { kernelSize, options } = this;
    const { stride = kernelSize, padding = 0, dilation = 1, ceilMode = false } = options;
    const defaults = { stride: kernelSize, padding: 0, dilation: 1, ceilMode: false };
    return showSettings([kernelSize], { stride, padding, dilation, ceilMode }, defaults);
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
    checkOptions('AvgPool2d', options, ['stride', 'padding', 'ceilMode', 'countIncludePad', 'divisorOverride']);
    const { countIncludePad, divisorOverride = 1 } = options;
    checkFlags('AvgPool2d', { countIncludePad });
    checkNumber('AvgPool2d', { divisorOverride });
    if (divisorOverride === 0) throw new OpError('AvgPool2d', 'divisorOverride is 0; give another number, such as 1 for the sums');
    checkWindow('AvgPool2d', kernelSize, options);
  }
  override extraRepr(): string {
    const { kernelSize, options } = this;
    const { stride = kernelSize, padding = 0, ceilMode = false, countIncludePad = true, divisorOverride = null } = options;
    const defaults = { stride: kernelSize, padding: 0, ceilMode: false, countIncludePad: true, divisorOverride: null };
    return showSettings([kernelSize], { stride, padding, ceilMode, countIncludePad, divisorOverride }, defaults);
  }
  override forward(x: Tensor): Tensor {
    return avgPool2d(x, { kernelSize: this.kernelSize, ...this.options });
  }
}

/**
 * Average pooling to `outputSize`, [N, C, H, W] → [N, C, …outputSize] (PyTorch's `nn.AdaptiveAvgPool2d`); 1 is global average pooling,
 * null in the place of a size keeps the input's.
 */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: AdaptiveSize) {
    super();
    checkedAdaptiveSize('AdaptiveAvgPool2d', outputSize);
  }
  override extraRepr(): string {
    return shownSize(this.outputSize);
  }
  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * Largest values of as many windows as give `outputSize`, [N, C, H, W] → [N, C, …outputSize] (PyTorch's `nn.AdaptiveMaxPool2d`); null in
 * the place of a size keeps the input's.
 */
export class AdaptiveMaxPool2d extends Module {
  constructor(readonly outputSize: AdaptiveSize) {
    super();
    checkedAdaptiveSize('AdaptiveMaxPool2d', outputSize);
  }
  override extraRepr(): string {
    return shownSize(this.outputSize);
  }
  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

const shownSize = (size: AdaptiveSize): string => (typeof size === 'number' ? `${size}` : `[${size.map(String).join(', ')}]`);
