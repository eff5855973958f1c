import { checkOptions, defaultDevice, type Device, lossScaleUpdate, mul, narrow, reshape, Tensor } from '@initlab/core';
import type { Optimizer } from './optimizer.js';

/** Options of `LossScaler`. */
export interface LossScalerOptions {
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Factor of the first losses. Default 65536. */
  readonly scale?: number;
  /** Good steps in a row before the scale is doubled. Default 2000. */
  readonly growthInterval?: number;
}

/**
 * Dynamic loss scaling for mixed precision (Micikevicius et al., arXiv:1710.03740; PyTorch's `GradScaler`). Losses are
 * multiplied so that small gradients are not lost in f16; a step whose gradients are not finite is skipped and halves the
 * factor, `growthInterval` good ones double it. Nothing is read back: it works inside a compiled step.
 *
 * ```ts
 * optimizer.zeroGrad();
 * backward(scaler.scale(loss));
 * scaler.step(optimizer, { clipNorm: 1 });
 * ```
 */
export class LossScaler {
  /** `lossScaleNames` of the kernels. Part of a checkpoint. */
  readonly state: Tensor;
  private readonly growthInterval: number;

  constructor(options: LossScalerOptions = {}) {
    checkOptions<LossScalerOptions>('LossScaler', options, ['device', 'scale', 'growthInterval']);
    const { device = defaultDevice(), scale = 65536, growthInterval = 2000 } = options;
    if (!(scale >= 1 && Number.isFinite(scale))) throw new RangeError(`LossScaler: scale ${scale} is not a number from 1`);
    if (!Number.isInteger(growthInterval) || growthInterval < 1)
      throw new RangeError(`LossScaler: growthInterval ${growthInterval} is not a whole number from 1`);
    this.growthInterval = growthInterval;
    this.state = Tensor.allocate(device, { shape: [4], dtype: 'f32', format: 'rowMajor' }, 'loss scale').set([scale, 1 / scale, 0, 0]);
  }

  /** The loss (a scalar) times the scale: what to call `backward` on. */
  scale(loss: Tensor): Tensor {
    return mul(loss, reshape(narrow(this.state, { dim: 0, start: 0, length: 1 }), loss.shape));
  }

  /**
   * Update the parameters from the scaled gradients, or leave them (and the moments) alone when those are not finite, and
   * move the scale. `clipNorm` bounds the norm of the unscaled gradients. Skipped steps count in Adam's bias corrections.
   */
  step(optimizer: Optimizer, { clipNorm }: { clipNorm?: number | undefined } = {}): void {
    const { state: lossScale, growthInterval } = this;
    lossScaleUpdate(optimizer.flatGradients(), { state: lossScale, growthInterval });
    if (clipNorm !== undefined) optimizer.clipGradNorm(clipNorm, { lossScale });
    optimizer.step({ lossScale });
  }

  dispose(): void {
    this.state.dispose();
  }
}
