import { type Device, Generator, InitlabError, tensor } from '@initlab/core';
import {
  batchMixing,
  epochOrder,
  holdOut,
  type ImageAdjustments,
  type ImageDataset,
  imageAdjustments,
  padDataset,
  ResidentDataset,
  resizeDataset,
} from '@initlab/data';
import { createModel } from '@initlab/models';
import {
  constantLr,
  cosineLr,
  linearLr,
  type Module,
  modelDepth,
  multiStepLr,
  type Optimizer,
  type ParameterGroup,
  quadraticWarmupLr,
  type Schedule,
} from '@initlab/nn';
import type { ChosenInitializer, ChosenNorm } from '../plugins/index.js';
import { makeOptimizer } from './optimizers.js';
import { type TrainConfig, usualImageSize } from './train-config.js';
import { Trainer } from './trainer.js';

export interface TrainingParts {
  readonly config: TrainConfig;
  /** Already limited to the images the run may see. */
  readonly dataset: ImageDataset;
  readonly device: Device;
  readonly initializer: ChosenInitializer;
  readonly norm: ChosenNorm;
}

/** A model, its optimiser and its data on the device, as one configuration says. */
export class Training {
  private constructor(
    readonly model: Module,
    readonly optimizer: Optimizer,
    readonly train: ResidentDataset,
    readonly test: ResidentDataset,
    /** Training images kept back, where the configuration says so. */
    readonly validation: ResidentDataset | undefined,
    readonly trainer: Trainer,
    /** Learning rate after so many epochs; during warm-up also after parts of one. */
    readonly schedule: Schedule,
  ) {}

  /** Build and initialise. Everything random follows from `config.seed`. */
  static async create({ config, dataset, device, initializer, norm }: TrainingParts): Promise<Training> {
    const generator = new Generator(config.seed);
    const numClasses = dataset.classes.length;
    const { train, test, validation } = residentSplits(config, dataset, device);
    const model = createModel(config.arch, { numClasses, norm: norm.factory, device, generator });
    const batch = initializer.dataDependent ? firstImages(train, config, device) : undefined;
    try {
      const depth = modelDepth(model);
      await initializer.initialize(model, { arch: config.arch, numClasses, depth, generator, ...(batch ? { batch } : {}) });
    } finally {
      batch?.dispose();
    }
    const optimizer = makeOptimizer(config.optimizer, parameterGroups(model, config), config);
    const { batchSize, labelSmoothing, clipNorm, miniBatches, precision } = config;
    const settings = { batchSize, labelSmoothing, clipNorm, miniBatches, precision };
    const trainer = new Trainer({ model, optimizer, train, device, ...settings });
    return new Training(model, optimizer, train, test, validation, trainer, makeSchedule(config));
  }

  dispose(): void {
    this.trainer.dispose();
    this.optimizer.dispose();
    this.model.dispose();
    this.train.dispose();
    this.test.dispose();
    this.validation?.dispose();
  }
}

interface Splits {
  readonly train: ResidentDataset;
  readonly test: ResidentDataset;
  readonly validation: ResidentDataset | undefined;
}

/** Square, three channels; padding of a crop is black before normalising. */
function residentSplits(config: TrainConfig, dataset: ImageDataset, device: Device): Splits {
  const { augment, cutout, seed, fit, mean, std, validation: share, imageSize: size = usualImageSize } = config;
  const { mixup = 0, cutmix = 0 } = config;
  const adjustments = adjustmentsOf(config);
  checkFits(dataset, size, device);
  const images = (fit === 'pad' ? padDataset : resizeDataset)(dataset, { height: size, width: size });
  const augmentation = { ...(augment ? { cropPadding: Math.floor(size / 8), flip: true } : {}), ...(cutout > 0 ? { cutout } : {}) };
  const random = {
    ...(Object.keys(augmentation).length > 0 ? { augmentation, seed } : {}),
    ...(adjustments ? { adjustments, seed } : {}),
    ...(mixup > 0 || cutmix > 0 ? { mixing: batchMixing({ mixup, cutmix }), seed } : {}),
  };
  const view = { channels: 3, device, ...(mean ? { mean } : {}), ...(std ? { std } : {}) };
  const parts = share > 0 ? holdOut(images, { share, seed }) : { train: images.train, validation: undefined };
  return {
    train: new ResidentDataset(images, parts.train, { ...view, ...random }),
    test: new ResidentDataset(images, images.test, view),
    validation: parts.validation && new ResidentDataset(images, parts.validation, view),
  };
}

function adjustmentsOf({ randAugment, randAugmentOps, colorJitter }: TrainConfig): ImageAdjustments | undefined {
  const [brightness = 0, contrast, saturation, hue] = colorJitter ?? [];
  const jitter =
    colorJitter?.length === 1 ? { brightness, contrast: brightness, saturation: brightness } : { brightness, contrast, saturation, hue };
  const options = {
    ...(colorJitter ? { colorJitter: jitter } : {}),
    ...(randAugment === undefined ? {} : { randAugment: { magnitude: randAugment, numOps: randAugmentOps } }),
  };
  return Object.keys(options).length > 0 ? imageAdjustments(options) : undefined;
}

/** All images lie on the device, at the size that the model sees: looked at before minutes go into resizing them. */
function checkFits({ name, channels, train, test }: ImageDataset, size: number, { caps }: Device): void {
  const bytes = Math.max(train.count, test.count) * channels * size * size;
  // What makes a batch of them binds three buffers besides.
  const most = caps.maxStorageBinding * (caps.maxStorageBuffers - 3);
  if (bytes <= most) return;
  const gigabytes = (value: number): string => `${(value / 1e9).toFixed(1)} GB`;
  throw new InitlabError(
    `${name} at ${size} × ${size} is ${gigabytes(bytes)}, more than the ${gigabytes(most)} that this adapter binds; ` +
      'give a smaller --image-size, or fewer images with --limit',
  );
}

/** The first batch of the first epoch, unaugmented: what data-dependent initialisations look at. */
function firstImages(train: ResidentDataset, { seed, batchSize }: TrainConfig, device: Device) {
  const index = tensor(epochOrder(train.count, { seed, epoch: 1 }).slice(0, batchSize), { dtype: 'i32', device });
  const { images, labels } = train.batch(index, { augment: false });
  index.dispose();
  labels.dispose();
  return images;
}

/** All parameters alike, or those of one number with a rate of their own. */
function parameterGroups(model: Module, { scalarLr }: TrainConfig): readonly ParameterGroup[] {
  const all = model.parameters();
  const scalars = scalarLr === 1 ? [] : all.filter((p) => p.size === 1);
  const groups = [{ params: all.filter((p) => !scalars.includes(p)) }, { params: scalars, lrMultiplier: scalarLr }];
  return groups.filter(({ params }) => params.length > 0);
}

function makeSchedule(config: TrainConfig): Schedule {
  const { lr, warmup, warmupEpochs, warmupFactor } = config;
  const main = makeMainSchedule(config);
  const rise =
    warmup === 'linear'
      ? linearLr(lr, { startFactor: warmupFactor, totalSteps: warmupEpochs })
      : quadraticWarmupLr(lr, { warmupLr: warmupFactor * lr, steps: warmupEpochs });
  return (epochs) => (epochs < warmupEpochs ? rise(epochs) : main(Math.floor(epochs)));
}

/** By whole epochs. Half a cosine begins where the warm-up ends; milestones count from the start. */
function makeMainSchedule({ schedule, lr, epochs, warmupEpochs, milestones, gamma }: TrainConfig): Schedule {
  if (schedule === 'constant') return constantLr(lr);
  if (schedule === 'multistep') return multiStepLr(lr, { milestones: milestones.map((at) => (at < 1 ? at * epochs : at)), gamma });
  const cosine = cosineLr(lr, { tMax: Math.max(1, epochs - warmupEpochs) });
  return (epoch) => cosine(epoch - warmupEpochs);
}
