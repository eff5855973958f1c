import {
  AnomalyError,
  add,
  addInto,
  argmax,
  autocast,
  backward,
  cast,
  cat,
  type CompiledStep,
  compile,
  crossEntropy,
  type Device,
  detectAnomaly,
  equal,
  InitlabError,
  mul,
  narrow,
  noGrad,
  reshape,
  scope,
  sum,
  Tensor,
  tensor,
} from '@initlab/core';
import { batchesOf, type ResidentDataset, sequentialOrder } from '@initlab/data';
import { LossScaler, type Module, type Optimizer } from '@initlab/nn';

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

/** Losses asked for but not yet read: enough to keep the GPU busy, few enough that Ctrl-C is heard soon. */
const inFlight = 4;

/** Trains and evaluates a model in compiled steps; sums of loss and correct answers stay on the device. */
export class Trainer {
  private readonly trainSums: Tensor;
  private readonly testSums: Tensor;
  private readonly scaler: LossScaler | undefined;
  private readonly trainStep;
  /** A step for each split that was evaluated. */
  private readonly evalSteps = new Map<ResidentDataset, CompiledStep<void>>();

  constructor(private readonly options: TrainerOptions) {
    const { device, precision = 'f32' } = options;
    if (precision === 'mixed' && device.caps.f16) this.scaler = new LossScaler({ device });
    this.trainSums = sumsTensor(device);
    this.testSums = sumsTensor(device);
    this.trainStep = compile((index) => this.makeStep(index), { device, precision });
  }

  /** One pass through `order`. A loss that is not finite stops it only when asked to. */
  async trainEpoch(order: Int32Array, options: EpochOptions = {}): Promise<Score & { steps: number }> {
    const {
      signal,
      maxSteps = Number.POSITIVE_INFINITY,
      startStep = 0,
      beforeStep,
      onStep,
      saveDue,
      save,
      stopOnNonFinite = false,
    } = options;
    this.options.model.train();
    if (startStep === 0) this.trainSums.set([0, 0]);
    const pending: { loss: Promise<number>; images: number }[] = [];
    let step = startStep;
    let read = startStep;
    const settle = async (): Promise<void> => {
      const first = pending.shift();
      if (!first) return;
      const loss = await first.loss;
      onStep?.({ step: ++read, loss, images: first.images });
      if (stopOnNonFinite && !Number.isFinite(loss)) throw new NonFiniteLossError(loss, read);
    };
    for (const batch of [...this.batches(order)].slice(startStep)) {
      if (signal?.aborted || step - startStep >= maxSteps) break;
      beforeStep?.(step);
      const loss = this.trainStep(batch);
      // The copy to the host is encoded at once; the handle is not needed after that.
      const value = loss.item();
      // Where an earlier one fails nobody waits for this one any more.
      value.catch(() => undefined);
      pending.push({ loss: value, images: batch.length });
      loss.dispose();
      step++;
      if (pending.length >= inFlight) await settle();
      if (saveDue?.()) {
        while (pending.length > 0) await settle();
        await save?.(step);
      }
    }
    while (pending.length > 0) await settle();
    const images = Math.min(order.length, step * this.options.batchSize);
    return { ...(await this.score(this.trainSums, { steps: step, images })), steps: step - startStep };
  }

  /**
   * Which op first makes a value that is not finite when the steps `startStep` + 1 … `step` of an epoch are made from the
   * present state. The last two run op by op and watched: an update by an infinite gradient shows only one step later.
   */
  async explainNonFinite(
    order: Int32Array,
    { startStep, step, beforeStep }: { startStep: number; step: number } & Pick<EpochOptions, 'beforeStep'>,
  ): Promise<string> {
    const batches = [...this.batches(order)].map((batch, made) => ({ batch, made })).slice(startStep, step);
    for (const { batch, made } of batches.slice(0, -2)) {
      beforeStep?.(made);
      this.trainStep(batch).dispose();
    }
    const { device } = this.options;
    try {
      await detectAnomaly(
        () => {
          for (const { batch, made } of batches.slice(-2)) {
            beforeStep?.(made);
            const body = (): void => scope(() => void this.makeStep(tensor(batch, { dtype: 'i32', device })));
            if (this.scaler) autocast(body);
            else body();
          }
        },
        { device },
      );
    } catch (error) {
      if (error instanceof AnomalyError) return error.message.replace(/^anomaly: /, '');
      throw error;
    }
    return 'run op by op, the same steps stay finite: the fused kernels round differently';
  }

  /** All images of a split, in evaluation mode and without augmentation. */
  async evaluate(split: ResidentDataset): Promise<Score> {
    const { model, batchSize, evalBatchSize = batchSize } = this.options;
    model.eval();
    this.testSums.set([0, 0]);
    const step = this.evalStep(split);
    let steps = 0;
    for (const batch of batchesOf(sequentialOrder(split.count), { batchSize: evenBatch(split.count, evalBatchSize) })) {
      step(batch);
      if (++steps % inFlight === 0) await this.options.device.sync();
    }
    model.train();
    return this.score(this.testSums, { steps, images: split.count });
  }

  private evalStep(split: ResidentDataset): CompiledStep<void> {
    const { model, device, precision = 'f32' } = this.options;
    const known = this.evalSteps.get(split);
    if (known) return known;
    const made = compile(
      (index) =>
        noGrad(() => {
          const { images, labels } = split.batch(index, { augment: false });
          const logits = model.forward(images);
          accumulate(this.testSums, crossEntropy(logits, labels), { logits, labels });
        }),
      { device, precision },
    );
    this.evalSteps.set(split, made);
    return made;
  }

  /** Kernel variants of the training step, as a run records them: other kernels add in another order. */
  async variants(): Promise<readonly string[]> {
    this.options.model.train();
    await this.trainStep.prepare(new Int32Array(Math.min(this.options.batchSize, this.options.train.count)));
    return this.trainStep.stats().variants;
  }

  /** Sums of the running epoch and the loss scale: parts of a checkpoint made inside it. */
  get state(): Readonly<Record<string, Tensor>> {
    return { sums: this.trainSums, ...(this.scaler ? { lossScale: this.scaler.state } : {}) };
  }

  dispose(): void {
    this.trainStep.dispose();
    for (const step of this.evalSteps.values()) step.dispose();
    this.trainSums.dispose();
    this.testSums.dispose();
    this.scaler?.dispose();
  }

  private batches(order: Int32Array): Iterable<Int32Array> {
    return batchesOf(order, { batchSize: this.options.batchSize });
  }

  private makeStep(index: Tensor): Tensor {
    const { model, optimizer, train, labelSmoothing = 0, clipNorm, miniBatches = 1 } = this.options;
    const { images, labels } = train.batch(index);
    optimizer.zeroGrad();
    const parts = miniBatchesOf(index.size, miniBatches).map((part) => {
      const own = { dim: 0, ...part };
      const logits = model.forward(miniBatches > 1 ? narrow(images, own) : images);
      const wanted = miniBatches > 1 ? narrow(labels, own) : labels;
      const mean = crossEntropy(logits, wanted, { labelSmoothing });
      // Each part counts by its images, so that the sum is the batch's mean.
      const loss = miniBatches > 1 ? mul(mean, part.length / index.size) : mean;
      backward(this.scaler ? this.scaler.scale(loss) : loss);
      return { logits: logits.detach(), loss: loss.detach() };
    });
    if (this.scaler) this.scaler.step(optimizer, { clipNorm: clipNorm ?? undefined });
    else {
      if (clipNorm) optimizer.clipGradNorm(clipNorm);
      optimizer.step();
    }
    const loss = parts.map((part) => part.loss).reduce((a, b) => add(a, b));
    const [first] = parts;
    const logits = first && parts.length === 1 ? first.logits : cat(parts.map((part) => part.logits));
    accumulate(this.trainSums, loss, { logits, labels });
    return loss;
  }

  private async score(sums: Tensor, { steps, images }: { steps: number; images: number }): Promise<Score> {
    const [loss = 0, correct = 0] = await sums.read();
    return { loss: loss / Math.max(1, steps), accuracy: (100 * correct) / Math.max(1, images), images };
  }
}

/** `count` parts of `size` images as even as can be; fewer where there are not enough images. */
function miniBatchesOf(size: number, count: number): { start: number; length: number }[] {
  const parts = Math.min(size, count);
  const starts = Array.from({ length: parts + 1 }, (_, i) => Math.round((i * size) / parts));
  return starts.slice(1).map((end, i) => ({ start: starts[i] as number, length: end - (starts[i] as number) }));
}

/** The largest batch that divides the images evenly, so that no odd last one is compiled; unless it were much smaller. */
function evenBatch(images: number, limit: number): number {
  for (let size = Math.min(limit, images); size > limit / 2; size--) if (images % size === 0) return size;
  return limit;
}

/** [sum of the batches' losses, correct answers]. */
const sumsTensor = (device: Device): Tensor =>
  Tensor.allocate(device, { shape: [2], dtype: 'f32', format: 'rowMajor' }, 'training sums').set([0, 0]);

function accumulate(sums: Tensor, loss: Tensor, { logits, labels }: { logits: Tensor; labels: Tensor }): void {
  noGrad(() => {
    const correct = sum(equal(cast(argmax(logits), 'f32'), cast(labels, 'f32')));
    addInto(sums, cat([reshape(loss.detach(), [1]), reshape(correct, [1])]));
  });
}
