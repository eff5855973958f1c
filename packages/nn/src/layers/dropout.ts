import { defaultGenerator, dropout, type Generator, onEachStep, Tensor } from '@initlab/core';
import { Module } from '../module.js';

/** Keeps dropout's random numbers apart from others drawn with the same seed. Each layer has a seed of its own. */
const dropoutStream = 0x44524f50;

/**
 * Zeroes elements with probability `p` in training (PyTorch's `nn.Dropout`). The mask follows from seed, step and
 * position alone, so a run repeats bit for bit and resumes from `step`.
 */
export class Dropout extends Module {
  /** Steps taken so far; part of a run's state. */
  step = 0;
  private readonly seed: number;
  private state: { tensor: Tensor } | undefined;

  constructor(
    public p = 0.5,
    options: { generator?: Generator } = {},
  ) {
    super();
    this.seed = (options.generator ?? defaultGenerator()).uint32();
  }

  override dispose(): void {
    super.dispose();
    this.state?.tensor.dispose();
    this.state = undefined;
  }

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    // Held inside an object, so that it is not taken for saved state.
    this.state ??= { tensor: Tensor.allocate(x.device, { shape: [4], dtype: 'u32', format: 'rowMajor' }, 'dropout state') };
    const rng = this.state.tensor;
    onEachStep(() => {
      rng.set([this.seed, 0, this.step, 0]);
      this.step++;
    });
    return dropout(x, { p: this.p, rng, stream: dropoutStream });
  }
}
