import { checkOptions, defaultGenerator, dropout, type Generator, HostValue, hostNumbers, OpError, type Tensor } from '@initlab/core';
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
 * position alone, so a run repeats bit for bit and resumes from `step`; every use is a step.
 */
export class Dropout extends Module {
  private readonly seed: number;
  private readonly uses = new HostValue(0);

  constructor(
    public p = 0.5,
    options: DropoutOptions = {},
  ) {
    super();
    checkOptions<DropoutOptions>('Dropout', options, ['generator']);
    if (!(p >= 0 && p <= 1)) throw new OpError('Dropout', `p is ${String(p)}; give a probability from 0 to 1`);
    this.seed = (options.generator ?? defaultGenerator()).uint32();
  }

  /** Masks drawn so far; part of a run's state. */
  get step(): number {
    return this.uses.value;
  }
  set step(step: number) {
    this.uses.value = step;
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    using rng = hostNumbers({ device: x.device, count: 4, dtype: 'u32', label: 'dropout state' }, () => [this.seed, 0, this.uses.value, 0]);
    this.uses.change((step) => step + 1);
    return dropout(x, { p: this.p, rng, stream: dropoutStream });
  }
}
