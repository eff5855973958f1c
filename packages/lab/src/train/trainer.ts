import {
  AnomalyError,
  add,
  addInto,
  argmax,
  autocast,
  backward,
  type CompiledStep,
  cast,
  cat,
  compile,
  crossEntropy,
  type Device,
  detectAnomaly,
  equal,
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
import { keepingState, type LayerProbe, LossScaler, type ProbedLayer, probeLayers, readProbes } from '@initlab/nn';
import { type EpochOptions, NonFiniteLossError, type Score, type TrainerOptions } from './trainer-options.js';

/** Losses asked for but not yet read: enough to keep the GPU busy, few enough that Ctrl-C is heard soon. */
const inFlight = 4;

/** Trains and evaluates a model in compiled steps; sums of loss and correct answers stay on the device. */
export class Trainer {
  private readonly trainSums: Tensor;
  private readonly testSums: Tensor;
  private readonly scaler: LossScaler | undefined;
  /** With a second input it looks inside the net instead: one step, so that both use the same memory. */
  private readonly trainStep;
  /** What the latest look was recorded of; a smaller last batch has the same layers. */
  private layers: readonly ProbedLayer[] = [];
  /** A step for each split that was evaluated. */
  private readonly evalSteps = new Map<ResidentDataset, CompiledStep<void>>();

  constructor(private readonly options: TrainerOptions) {
    const { device, precision = 'f32' } = options;
    if (precision === 'mixed' && device.caps.f16) this.scaler = new LossScaler({ device });
    this.trainSums = sumsTensor(device);
    this.testSums = sumsTensor(device);
    this.trainStep = compile((index, ...look) => (look.length > 0 ? this.makeProbe(index) : this.makeStep(index)), { device, precision });
  }

  /** One pass through `order`. A loss that is not finite stops it only when asked to. */
  async trainEpoch(order: Int32Array, options: EpochOptions = {}): Promise<Score & { steps: number }> {
    const {
      signal,
      maxSteps = Number.POSITIVE_INFINITY,
      startStep = 0,
      beforeStep,
      onStep,
      probeDue,
      onProbe,
      saveDue,
      save,
      stopOnNonFinite = false,
    } = options;
    this.options.model.train();
    if (startStep === 0) this.trainSums.set([0, 0]);
    const pending: { loss: Promise<number>; images: number; probe: Promise<LayerProbe[]> | undefined }[] = [];
    let step = startStep;
    let read = startStep;
    const settle = async (): Promise<void> => {
      const first = pending.shift();
      if (!first) return;
      const loss = await first.loss;
      const layers = await first.probe;
      if (layers) onProbe?.({ step: read, layers });
      onStep?.({ step: ++read, loss, images: first.images });
      if (stopOnNonFinite && !Number.isFinite(loss)) throw new NonFiniteLossError(loss, read);
    };
    for (const batch of [...this.batches(order)].slice(startStep)) {
      if (signal?.aborted || step - startStep >= maxSteps) break;
      beforeStep?.(step);
      const probe = probeDue?.(step) ? await this.probe(batch) : undefined;
      const loss = this.trainStep(batch);
      // The copy to the host is encoded at once; the handle is not needed after that.
      const value = loss.item();
      // Where an earlier one fails nobody waits for this one any more.
      value.catch(() => undefined);
      pending.push({ loss: value, images: batch.length, probe: probe?.layers });
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

  /** Looks inside the net with a batch as the next step will see it; answers what will have been read, since nothing waits for it here. */
  private async probe(batch: Int32Array): Promise<{ layers: Promise<LayerProbe[]> }> {
    await this.trainStep.prepare(batch, 1);
    const numbers = this.trainStep(batch, 1);
    const { layers } = this;
    const read = numbers.read().then((values) => readProbes(layers, values));
    read.catch(() => undefined);
    numbers.dispose();
    return { layers: read };
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

  /** Of the first part, where the batch is computed in several. What the pass moves is put back: the step to come does it again. */
  private makeProbe(index: Tensor): Tensor {
    const { model, train, labelSmoothing = 0, miniBatches = 1 } = this.options;
    const loss = (): Tensor => {
      const { images, labels } = train.batch(index);
      const [part] = miniBatchesOf(index.size, miniBatches);
      const own = { dim: 0, start: 0, length: part?.length ?? 0 };
      const logits = model.forward(miniBatches > 1 ? narrow(images, own) : images);
      const mean = crossEntropy(logits, miniBatches > 1 ? narrow(labels, own) : labels, { labelSmoothing });
      return this.scaler ? this.scaler.scale(mean) : mean;
    };
    const lossScale = this.scaler && narrow(this.scaler.state, { dim: 0, start: 0, length: 1 });
    const { layers, numbers } = keepingState(model, () => probeLayers(model, loss, lossScale ? { lossScale } : {}));
    this.layers = layers;
    return numbers;
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
    // Of mixed images the class that has most of them.
    const classes = labels.ndim === 2 ? argmax(labels, { dim: 1 }) : labels;
    const correct = sum(equal(cast(argmax(logits, { dim: 1 }), 'f32'), cast(classes, 'f32')));
    addInto(sums, cat([reshape(loss.detach(), [1]), reshape(correct, [1])]));
  });
}
