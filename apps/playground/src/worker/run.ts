import {
  argmax,
  backward,
  type CompiledStep,
  cast,
  cat,
  compile,
  crossEntropy,
  type Device,
  equal,
  Generator,
  mean,
  noGrad,
  reshape,
  type Tensor,
  tensor,
} from '@initlab/core';
import { epochOrder, type ImageDataset, ResidentDataset } from '@initlab/data';
import { createModel } from '@initlab/models';
import { type Module, modelDepth, SGD } from '@initlab/nn';
import type { BuiltSide, Look, StepNumbers } from '../messages.js';
import type { SideSettings } from '../settings.js';
import { weightsChecksum } from '../weights-checksum.js';
import type { Chosen } from './chosen.js';
import { type LookPlan, lookInside, readLook } from './look.js';

/** What a run is made of. */
export interface RunParts extends Chosen {
  readonly settings: SideSettings;
  readonly seed: number;
  readonly batchSize: number;
  readonly device: Device;
  readonly dataset: ImageDataset;
}

/** One net in training: as `initlab train` with a constant rate makes it, from the same seed. */
export class Run {
  private plan: LookPlan | undefined;
  /** With a second input it looks inside the net instead: one step, so that both use the same memory. */
  private readonly trainStep: CompiledStep<Tensor>;

  private constructor(
    private readonly model: Module,
    private readonly optimizer: SGD,
    private readonly train: ResidentDataset,
    device: Device,
  ) {
    this.trainStep = compile((index, ...look) => (look.length > 0 ? this.makeLook(index) : this.makeStep(index)), { device });
  }

  /** Everything random follows from the seed, in the order in which `initlab train` draws. */
  static async create({ settings, seed, batchSize, device, dataset, initialize, dataDependent, norm }: RunParts): Promise<Run> {
    const generator = new Generator(seed);
    const numClasses = dataset.classes.length;
    const { net: arch, lr } = settings;
    const augmentation = { cropPadding: 4, flip: true };
    const train = new ResidentDataset(dataset, dataset.train, { channels: 3, device, augmentation, seed });
    const model = createModel(arch, { numClasses, norm, device, generator });
    let batch: Tensor | undefined;
    try {
      if (dataDependent) {
        const index = tensor(epochOrder(train.count, { seed, epoch: 1 }).slice(0, batchSize), { dtype: 'i32', device });
        const { images, labels } = train.batch(index, { augment: false });
        for (const x of [index, labels]) x.dispose();
        batch = images;
      }
      await initialize(model, { arch, numClasses, depth: modelDepth(model), generator, ...(batch ? { batch } : {}) });
    } catch (error) {
      model.dispose();
      train.dispose();
      throw error;
    } finally {
      batch?.dispose();
    }
    return new Run(model, new SGD(model.parameters(), { lr, momentum: 0.9, weightDecay: 5e-4 }), train, device);
  }

  async built(): Promise<BuiltSide> {
    const parameters = this.model.parameters().reduce((sum, { size }) => sum + size, 0);
    return { parameters, checksum: await weightsChecksum(this.model) };
  }

  /** Makes the kernels of a step and of a look, side by side. */
  async prepare(batch: Int32Array): Promise<void> {
    await this.trainStep.prepare(batch);
    await this.trainStep.prepare(batch, 1);
  }

  /** One step; what it answers comes when the device is done. */
  async step(batch: Int32Array): Promise<StepNumbers> {
    const numbers = this.trainStep(batch);
    const read = numbers.read();
    numbers.dispose();
    const [loss = Number.NaN, accuracy = 0] = await read;
    return { loss, accuracy };
  }

  /** What is inside before the step that `batch` is for. */
  async look(batch: Int32Array, step: number): Promise<Look> {
    const numbers = this.trainStep(batch, 1);
    const read = numbers.read();
    numbers.dispose();
    return readLook(this.plan as LookPlan, await read, step);
  }

  dispose(): void {
    this.trainStep.dispose();
    this.optimizer.dispose();
    this.model.dispose();
    this.train.dispose();
  }

  private makeStep(index: Tensor): Tensor {
    const { images, labels } = this.train.batch(index);
    this.optimizer.zeroGrad();
    const logits = this.model.forward(images);
    const loss = crossEntropy(logits, labels);
    backward(loss);
    this.optimizer.step();
    return noGrad(() => {
      const right = mean(equal(cast(argmax(logits, { dim: 1 }), 'f32'), cast(labels, 'f32')));
      return cat([reshape(loss.detach(), [1]), reshape(right, [1])]);
    });
  }

  private makeLook(index: Tensor): Tensor {
    const { plan, numbers } = lookInside(this.model, () => {
      const { images, labels } = this.train.batch(index);
      return crossEntropy(this.model.forward(images), labels);
    });
    this.plan = plan;
    return numbers;
  }
}
