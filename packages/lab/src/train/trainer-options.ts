import { type Device, InitlabError } from '@initlab/core';
import type { ResidentDataset } from '@initlab/data';
import type { LayerProbe, Module, Optimizer } from '@initlab/nn';

export interface TrainerOptions {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly train: ResidentDataset;
  readonly batchSize: number;
  /** Images per batch in evaluation at most. Default: the training batch. */
  readonly evalBatchSize?: number;
  readonly labelSmoothing?: number;
  /** Largest norm of a step's gradient; null for any. */
  readonly clipNorm?: number | null;
  /** Parts a batch is computed in; their gradients add. Default 1. */
  readonly miniBatches?: number;
  /** `mixed`: f16 activations with a loss scaler, where the adapter has f16. Default `f32`. */
  readonly precision?: 'f32' | 'mixed';
  readonly device: Device;
}

/** Mean of the batches' losses and accuracy in per cent over what was seen. */
export interface Score {
  readonly loss: number;
  readonly accuracy: number;
  /** Images seen. */
  readonly images: number;
}

export interface EpochOptions {
  readonly signal?: AbortSignal | undefined;
  /** Steps of this epoch that were made before; the sums go on from where they stand. */
  readonly startStep?: number | undefined;
  /** Stop after this many further steps. */
  readonly maxSteps?: number | undefined;
  /** Called before every step with the number made of this epoch: the place to set the learning rate. */
  readonly beforeStep?: ((step: number) => void) | undefined;
  /** Called after every step whose loss has come back; it lags a few steps behind. Steps count from 1 within the epoch. */
  readonly onStep?: ((step: { step: number; loss: number; images: number }) => void) | undefined;
  /** Asked before every step, with the number made of this epoch, whether to look inside the net with the step's own batch. */
  readonly probeDue?: ((step: number) => boolean) | undefined;
  /** What was seen before a step, called after that step's loss has come back, in order. */
  readonly onProbe?: ((seen: { step: number; layers: readonly LayerProbe[] }) => void) | undefined;
  /** Asked after every step whether to call `save`, which finds all earlier losses read. */
  readonly saveDue?: (() => boolean) | undefined;
  readonly save?: ((step: number) => Promise<void>) | undefined;
  /** Throw NonFiniteLossError instead of going on. Default false. */
  readonly stopOnNonFinite?: boolean | undefined;
}

/** A loss was NaN or infinite. */
export class NonFiniteLossError extends InitlabError {
  override name = 'NonFiniteLossError';
  constructor(
    readonly loss: number,
    /** Step of the epoch, from 1. */
    readonly step: number,
  ) {
    super(`the loss of step ${step} is ${loss}`);
  }
}
