import {
  AllOrNothing,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool2d,
  maxPool2d,
  OpError,
  squeeze,
  type Tensor,
  unsqueeze,
} from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, checkTensors, showShape } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { showSettings } from '../module/show-settings.js';

// Poolings of [N, C, L]: those of images of one row.

/** What options of `MaxPool1d` and `AvgPool1d` have in common. */
export interface Pool1dLayerOptions {
  /** Default: the kernel's size. */
  readonly stride?: number;
  /** Border on both sides: −∞ for the largest value, zeros for the mean. At most half the kernel; default 0. */
  readonly padding?: number;
  /** A last window that reaches beyond the border counts, too, where it begins before the end of the input. Default false. */
  readonly ceilMode?: boolean;
}

/** Options of `MaxPool1d`. */
export interface MaxPool1dLayerOptions extends Pool1dLayerOptions {
  /** Elements from one of the window to the next. Default 1. */
  readonly dilation?: number;
}

/** Options of `AvgPool1d`. */
export interface AvgPool1dLayerOptions extends Pool1dLayerOptions {
  /** Whether the border's zeros count in the mean. Default true. */
  readonly countIncludePad?: boolean;
}

function checkWindow(name: string, kernelSize: number, { stride = kernelSize, padding = 0, ceilMode }: Pool1dLayerOptions): void {
  checkNumber(name, { kernelSize, stride }, { from: 1, whole: true });
  checkNumber(name, { padding }, { from: 0, to: kernelSize / 2, whole: true });
  checkFlags(name, { ceilMode });
}

/** What `pool` makes of the rows of `x` as images. */
function ofRows(name: string, x: Tensor, pool: (images: Tensor) => Tensor): Tensor {
  checkTensors(name, { x });
  if (x.ndim !== 3) throw new OpError(name, `takes [N, C, L], got ${showShape(x.shape)}`);
  using whole = new AllOrNothing();
  return whole.done(squeeze(pool(unsqueeze(x, 2)), 2));
}

/** Largest value of each window, [N, C, L] → [N, C, L'] (PyTorch's `nn.MaxPool1d`). */
export class MaxPool1d extends Module {
  constructor(
    readonly kernelSize: number,
    readonly options: MaxPool1dLayerOptions = {},
  ) {
    super();
    checkOptions('MaxPool1d', options, ['stride', 'padding', 'dilation', 'ceilMode']);
    checkWindow('MaxPool1d', kernelSize, options);
    checkNumber('MaxPool1d', { dilation: options.dilation ?? 1 }, { from: 1, whole: true });
  }
  override extraRepr(): string {
    return showSettings([this.kernelSize], { ...this.options });
  }
  override forward(x: Tensor): Tensor {
    const { kernelSize } = this;
    const { stride = kernelSize, padding = 0, dilation = 1, ceilMode } = this.options;
    const along = { kernelSize: [1, kernelSize], stride: [1, stride], padding: [0, padding], dilation: [1, dilation], ceilMode } as const;
    return ofRows('MaxPool1d', x, (images) => maxPool2d(images, along));
  }
}

/** Mean of each window, [N, C, L] → [N, C, L'] (PyTorch's `nn.AvgPool1d`). */
export class AvgPool1d extends Module {
  constructor(
    readonly kernelSize: number,
    readonly options: AvgPool1dLayerOptions = {},
  ) {
    super();
    checkOptions('AvgPool1d', options, ['stride', 'padding', 'ceilMode', 'countIncludePad']);
    checkWindow('AvgPool1d', kernelSize, options);
    checkFlags('AvgPool1d', { countIncludePad: options.countIncludePad });
  }
  override extraRepr(): string {
    return showSettings([this.kernelSize], { ...this.options });
  }
  override forward(x: Tensor): Tensor {
    const { kernelSize } = this;
    const { stride = kernelSize, padding = 0, ceilMode, countIncludePad } = this.options;
    const along = { kernelSize: [1, kernelSize], stride: [1, stride], padding: [0, padding], ceilMode, countIncludePad } as const;
    return ofRows('AvgPool1d', x, (images) => avgPool2d(images, along));
  }
}

/** Average pooling to `outputSize`, [N, C, L] → [N, C, outputSize] (PyTorch's `nn.AdaptiveAvgPool1d`). */
export class AdaptiveAvgPool1d extends Module {
  constructor(readonly outputSize: number) {
    super();
    checkNumber('AdaptiveAvgPool1d', { outputSize }, { from: 1, whole: true });
  }
  override extraRepr(): string {
    return showSettings([this.outputSize]);
  }
  override forward(x: Tensor): Tensor {
    return ofRows('AdaptiveAvgPool1d', x, (images) => adaptiveAvgPool2d(images, [1, this.outputSize]));
  }
}

/** Largest values of as many windows, [N, C, L] → [N, C, outputSize] (PyTorch's `nn.AdaptiveMaxPool1d`). */
export class AdaptiveMaxPool1d extends Module {
  constructor(readonly outputSize: number) {
    super();
    checkNumber('AdaptiveMaxPool1d', { outputSize }, { from: 1, whole: true });
  }
  override extraRepr(): string {
    return showSettings([this.outputSize]);
  }
  override forward(x: Tensor): Tensor {
    return ofRows('AdaptiveMaxPool1d', x, (images) => adaptiveMaxPool2d(images, [1, this.outputSize]));
  }
}
