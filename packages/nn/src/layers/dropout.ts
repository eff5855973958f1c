import { dropout, type Generator, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions, checkTensors } from '@initlab/core/internal';
import { showSettings } from '../module/show-settings.js';
import { RandomModule } from './random-module.js';

/** Keeps dropout's random numbers apart from others drawn with the same seed. Each layer has a seed of its own. */
const dropoutStream = 0x44524f50;

/** Options of `Dropout`. */
export interface DropoutOptions {
  /** Draws the layer's seed. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

/**
 * Zeroes elements with probability `p` in training (PyTorch's `nn.Dropout`). The mask follows from seed, step and
 * position alone, so a run repeats bit for bit and resumes from `step`; every use is a step.
 */
export class Dropout extends RandomModule {
  constructor(
    public p = 0.5,
    options: DropoutOptions = {},
  ) {
    checkOptions('Dropout', options, ['generator']);
    checkNumber('Dropout', { p }, { from: 0, to: 1 });
    super(options.generator);
  }

  override extraRepr(): string {
    return showSettings([this.p]);
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    checkTensors('Dropout', { x });
    const { device } = x;
    using rng = this.drawn({ device, count: 4, dtype: 'u32', label: 'dropout state' }, (step) => [this.seed, 0, step, 0]);
    return dropout(x, { p: this.p, rng, stream: dropoutStream });
  }
}
