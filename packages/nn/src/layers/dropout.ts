import { checkOptions, defaultGenerator, dropout, type Generator, onEachStep, OpError, Tensor } from '@initlab/core';
import { Module } from '../module.js';

/** Keeps dropout's random numbers apart from others drawn with the same seed. Each layer has a seed of its own. */
const dropoutStream = 0x44524f50;

/** Options of `Dropout`. */
export interface DropoutOptions {
  /** Draws the layer's seed. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

/**
 * Zeroes elements with probability `p` in training (PyTorch's `nn.Dropout`). The mask follows from seed, step and
 * position alone, so a run repeats bit for bit and resumes from `step`.
 */
export class Dropout extends Module {
  /** Steps taken so far; part of a run's state. */
  step = 0;
  private readonly seed: number;
  private state: Tensor | undefined;

  constructor(
    public p = 0.5,
    options: DropoutOptions = {},
  ) {
    super();
    checkOptions<DropoutOptions>('Dropout', options, ['generator']);
    if (!(p >= 0 && p <= 1)) throw new OpError('Dropout', `p is ${String(p)}; give a probability from 0 to 1`);
    this.seed = (options.generator ?? defaultGenerator()).uint32();
  }

  override dispose(): void {
    super.dispose();
    this.state?.dispose();
    this.state = undefined;
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    this.state ??= Tensor.allocate(x.device, { shape: [4], dtype: 'u32', format: 'rowMajor' }, 'dropout state');
    const rng = this.state;
    onEachStep(() => {
      rng.set([this.seed, 0, this.step, 0]);
      this.step++;
    });
    return dropout(x, { p: this.p, rng, stream: dropoutStream });
  }
}
