import { AllOrNothing, cast, type Device, defaultDevice, HostValue, mul, narrow, OpError, reshape, Tensor } from '@initlab/core';
import {
  checkNumber,
  checkOptions,
  checkTensor,
  type LossScaleRule,
  largestLossScale,
  lossScaleUpdate,
  showValue,
  takenNumbers,
} from '@initlab/core/internal';
import { Optimizer } from './optimizer.js';

/** Options of `LossScaler`; defaults are PyTorch's. */
export interface LossScalerOptions {
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Factor of the first losses, from 1 to 2¹²⁶ (PyTorch's `init_scale`). Default 65536. */
  readonly scale?: number;
  /** Good steps in a row before the scale grows. Above 2²⁴, which the counter does not reach, it never does. Default 2000. */
  readonly growthInterval?: number;
  /** What it is then multiplied with. Default 2. */
  readonly growthFactor?: number;
  /** What it is multiplied with after a step whose gradients were not finite. Default 0.5. */
  readonly backoffFactor?: number;
}

/**
 * Dynamic loss scaling for mixed precision (Micikevicius et al., arXiv:1710.03740; PyTorch's `GradScaler`). Losses are
 * multiplied so that small gradients are not lost in f16; a step whose gradients are not finite is skipped and halves the
 * factor, `growthInterval` good ones double it, up to 2¹²⁶, whose inverse still unscales. Nothing is read back: it works inside a
 * compiled step. One loss, one step: give optimisers that share a loss in one call, and each that has a loss of its own a scaler of
 * its own.
 *
 * ```ts
 * optimizer.zeroGrad();
 * backward(scaler.scale(loss));
 * scaler.step(optimizer, { clipNorm: 1 });
 * ```
 */
export class LossScaler {
  /** `lossScaleNames` of the kernels. Part of a checkpoint: `read()` it, and put it back with `loadState`. */
  readonly state: Tensor;
  private readonly rule: LossScaleRule;
  /** 1 once a loss was scaled, 2 once its step was taken. */
  private readonly phase = new HostValue(0);

  constructor(options: LossScalerOptions = {}) {
    checkOptions('LossScaler', options, ['device', 'scale', 'growthInterval', 'growthFactor', 'backoffFactor']);
    const { device = defaultDevice(), scale = 65536, growthInterval = 2000, growthFactor = 2, backoffFactor = 0.5 } = options;
    checkNumber('LossScaler', { scale }, { from: 1, to: largestLossScale });
    checkNumber('LossScaler', { growthInterval }, { from: 1, whole: true });
    checkNumber('LossScaler', { growthFactor }, { above: 1 });
    checkNumber('LossScaler', { backoffFactor }, { above: 0, below: 1 });
    this.rule = { growthInterval, growthFactor, backoffFactor };
    using whole = new AllOrNothing();
    this.state = Tensor.allocate(device, { shape: [4], dtype: 'f32', format: 'rowMajor' }, 'loss scale').set([scale, 1 / scale, 0, 0]);
    whole.done();
  }

  /** The loss times the scale, f32: what to call `backward` on. Several may share one step (mini-batches). */
  scale(loss: Tensor): Tensor {
    checkTensor('LossScaler.scale', loss, 'the loss');
    this.phase.value = 1;
    const factor = narrow(this.state, { dim: 0, start: 0, length: 1 });
    return mul(
      cast(loss, 'f32'),
      reshape(
        factor,
        loss.shape.map(() => 1),
      ),
    );
  }

  /**
   * Update the parameters from the scaled gradients, or leave them (and the moments) alone when those are not finite, and
   * move the scale. Several optimisers are skipped together; `clipNorm` bounds the norm of each one's unscaled gradients. Nothing
   * counts a skipped step, such as Adam's bias corrections, but `optimizer.steps`, its calls. Throws for a second step of one loss: the scale has moved since.
   */
  step(optimizers: Optimizer | readonly Optimizer[], options: { clipNorm?: number | undefined } = {}): void {
    checkOptions('LossScaler.step', options, ['clipNorm']);
    const { state: lossScale, rule } = this;
    const { clipNorm } = options;
    if (clipNorm !== undefined) checkNumber('LossScaler.step', { clipNorm }, { above: 0, to: Number.POSITIVE_INFINITY });
    const all: readonly unknown[] = Array.isArray(optimizers) ? optimizers : [optimizers];
    if (all.length === 0 || !all.every((one) => one instanceof Optimizer))
      throw new OpError('LossScaler.step', `takes an optimiser or a list of them, got ${showValue(optimizers)}`);
    if (this.phase.value === 2)
      throw new OpError(
        'LossScaler.step',
        'the step for this loss was taken, and the scale has moved since; call scale() for every loss, and give the optimisers that share one together: step([a, b])',
      );
    if (this.phase.value === 1) this.phase.value = 2;
    lossScaleUpdate(
      all.flatMap((one) => one.flatGradients()),
      { state: lossScale, ...rule },
    );
    for (const one of all) {
      if (clipNorm !== undefined) one.clipGradNorm(clipNorm, { lossScale });
      one.step({ lossScale, counted: takenNumbers });
    }
  }

  /** Go on from what `state.read()` gave. Throws for numbers that no scaler leaves. */
  loadState(saved: ArrayLike<number>): void {
    const numbers = Array.from(saved ?? []);
    const [scale = 0, inverse = 0, skip = 0, good = 0] = numbers;
    const fits = scale >= 1 && scale <= largestLossScale && inverse > 0 && inverse <= 1 && (skip === 0 || skip === 1);
    if (numbers.length !== 4 || !fits || !Number.isInteger(good) || good < 0)
      throw new OpError(
        'LossScaler.loadState',
        `takes the four numbers that state.read() gave (scale, inverse, skip, good steps), got ${showValue(numbers)}`,
      );
    this.state.set(numbers);
  }

  dispose(): void {
    this.state.dispose();
  }
}
