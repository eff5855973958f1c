import { type LocalResponseNormOptions, localResponseNorm, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { showSettings } from '../module/show-settings.js';

/** Normalisation by neighbouring channels (PyTorch's `nn.LocalResponseNorm`; options and errors as `localResponseNorm`). */
export class LocalResponseNorm extends Module {
  constructor(
    readonly size: number,
    readonly options: Omit<LocalResponseNormOptions, 'size'> = {},
  ) {
    super();
    checkOptions('LocalResponseNorm', options, ['alpha', 'beta', 'k']);
    checkNumber('LocalResponseNorm', { size }, { from: 1, whole: true });
  }
  override extraRepr(): string {
    return showSettings([this.size], { ...this.options });
  }
  override forward(x: Tensor): Tensor {
    return localResponseNorm(x, { size: this.size, ...this.options });
  }
}
