import {
  addInto,
  argmax,
  backward,
  cast,
  cat,
  compile,
  crossEntropy,
  type Device,
  equal,
  noGrad,
  reshape,
  sum,
  Tensor,
} from '@initlab/core';
import { batchesOf, type ResidentDataset, sequentialOrder } from '@initlab/data';
import type { Module, Optimizer } from '@initlab/nn';

export interface TrainerOptions {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly train: ResidentDataset;
  readonly test: ResidentDataset;
  readonly batchSize: number;
  /** Images per batch in evaluation; larger is faster. Default: the training batch. */
  readonly evalBatchSize?: number;
  readonly labelSmoothing?: number;
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
  /** Stop after this many steps of the epoch. */
  readonly maxSteps?: number | undefined;
  /** Called after every step whose loss has come back; it lags a few steps behind. */
  readonly onStep?: ((step: { step: number; loss: number; images: number }) => void) | undefined;
}

/** Losses asked for but not yet read: enough to keep the GPU busy, few enough that Ctrl-C is heard soon. */
const inFlight = 4;

/** Trains and evaluates a model in compiled steps; sums of loss and correct answers stay on the device. */
export class Trainer {
  private readonly trainSums: Tensor;
  private readonly testSums: Tensor;
  private readonly trainStep;
  private readonly testStep;

  constructor(private readonly options: TrainerOptions) {
    const { model, optimizer, train, test, device } = options;
    this.trainSums = sumsTensor(device);
    this.testSums = sumsTensor(device);
    const { labelSmoothing = 0 } = options;
    this.trainStep = compile(
      (index) => {
        const { images, labels } = train.batch(index);
        optimizer.zeroGrad();
        const logits = model.forward(images);
        const loss = crossEntropy(logits, labels, { labelSmoothing });
        backward(loss);
        optimizer.step();
        accumulate(this.trainSums, loss, { logits, labels });
        return loss;
      },
      { device },
    );
    this.testStep = compile(
      (index) =>
        noGrad(() => {
          const { images, labels } = test.batch(index, { augment: false });
          const logits = model.forward(images);
          accumulate(this.testSums, crossEntropy(logits, labels), { logits, labels });
        }),
      { device },
    );
  }

  /** One pass through `order`. A loss that is not finite does not stop it: the caller decides. */
  async trainEpoch(
    order: Int32Array,
    { signal, maxSteps = Number.POSITIVE_INFINITY, onStep }: EpochOptions = {},
  ): Promise<Score & { steps: number }> {
    this.options.model.train();
    this.trainSums.set([0, 0]);
    const pending: { loss: Promise<number>; images: number }[] = [];
    let steps = 0;
    let read = 0;
    let images = 0;
    const settle = async (): Promise<void> => {
      const first = pending.shift();
      if (!first) return;
      const loss = await first.loss;
      onStep?.({ step: ++read, loss, images: first.images });
    };
    for (const batch of batchesOf(order, { batchSize: this.options.batchSize })) {
      if (signal?.aborted || steps >= maxSteps) break;
      const loss = this.trainStep(batch);
      // The copy to the host is encoded at once; the handle is not needed after that.
      pending.push({ loss: loss.item(), images: batch.length });
      loss.dispose();
      steps++;
      images += batch.length;
      if (pending.length >= inFlight) await settle();
    }
    while (pending.length > 0) await settle();
    return { ...(await this.score(this.trainSums, { steps, images })), steps };
  }

  /** The whole test split, in evaluation mode. */
  async evaluate(): Promise<Score> {
    const { model, test, batchSize, evalBatchSize = batchSize } = this.options;
    model.eval();
    this.testSums.set([0, 0]);
    let steps = 0;
    for (const batch of batchesOf(sequentialOrder(test.count), { batchSize: evalBatchSize })) {
      this.testStep(batch);
      if (++steps % inFlight === 0) await this.options.device.sync();
    }
    model.train();
    return this.score(this.testSums, { steps, images: test.count });
  }

  /** Kernel variants of the training step, as a run records them. */
  get variants(): readonly string[] {
    return this.trainStep.stats().variants;
  }

  dispose(): void {
    this.trainStep.dispose();
    this.testStep.dispose();
    this.trainSums.dispose();
    this.testSums.dispose();
  }

  private async score(sums: Tensor, { steps, images }: { steps: number; images: number }): Promise<Score> {
    const [loss = 0, correct = 0] = await sums.read();
    return { loss: loss / Math.max(1, steps), accuracy: (100 * correct) / Math.max(1, images), images };
  }
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
