import { type InterpolateOptions, interpolate, pixelShuffle, type Tensor } from '@initlab/core';
import { checkInterpolation, checkNumber } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { showSettings } from '../module/show-settings.js';

/** Images in another size: `new Upsample({ scaleFactor: 2 })` (PyTorch's `nn.Upsample`; options and errors as `interpolate`). */
export class Upsample extends Module {
  constructor(readonly options: InterpolateOptions) {
    super();
    checkInterpolation('Upsample', options);
  }
  override extraRepr(): string {
    return showSettings([], { ...this.options });
  }
  override forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}

/** Channels become pixels: [N, C · r², H, W] → [N, C, H · r, W · r] (PyTorch's `nn.PixelShuffle`). */
export class PixelShuffle extends Module {
  constructor(readonly upscaleFactor: number) {
    super();
    checkNumber('PixelShuffle', { upscaleFactor }, { from: 1, whole: true });
  }
  override extraRepr(): string {
    return showSettings([], { upscaleFactor: this.upscaleFactor });
  }
  override forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.upscaleFactor);
  }
}
