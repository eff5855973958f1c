import { AllOrNothing, type Device, defaultDevice, HostValue, hostNumbers, OpError, scope, Tensor, take } from '@initlab/core';
import { checkNumber, checkOptions, checkTensors, type GatherImagesOptions, gatherImages, showValue } from '@initlab/core/internal';
import { checkAugmentation, drawnBy, type ImageAugmentation } from './augmentation.js';
import type { BatchMixing, ImageBatch } from './batch-mixing.js';
import type { ImageAdjustments } from './image-adjustments.js';
import { checkShapeOfImages, checkSplit, type ImageDataset, type ImageSplit } from './image-dataset.js';

/** Options of `ResidentDataset`. */
export interface ResidentOptions {
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Size of batch images; larger than the stored ones means a centred black border. Default: as stored. */
  readonly size?: number | undefined;
  /** Channels of batch images; one stored channel may be repeated. Default: as stored. */
  readonly channels?: number | undefined;
  /** Of x / 255, per channel or one for all. Default: the dataset's. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Random changes of the images. Default none. */
  readonly augmentation?: ImageAugmentation | undefined;
  /** Changes colours and shapes after that: `imageAdjustments({ randAugment: { magnitude: 9 } })`. Default none. */
  readonly adjustments?: ImageAdjustments | undefined;
  /** Mixes images of a batch, and their labels: `batchMixing({ mixup: 0.2 })`. Default none. */
  readonly mixing?: BatchMixing | undefined;
  /** Seed of all that is drawn: with the number of batches made so far (`step`) and a place in the batch it decides what is drawn. */
  readonly seed?: number | undefined;
}

/**
 * A split kept on the device as bytes. `batch(index)` makes normalised images and labels there; only the indices travel.
 * Works eagerly and inside `compile`.
 */
export class ResidentDataset {
  readonly count: number;
  private readonly drawn = new HostValue(0);
  private readonly images: Tensor;
  private readonly labels: Tensor;
  private readonly shape: {
    channels: number;
    height: number;
    width: number;
    outChannels: number;
    outHeight: number;
    outWidth: number;
    mean: number[];
    std: number[];
  };
  private readonly augmentation: ImageAugmentation | undefined;
  private readonly adjustments: ImageAdjustments | undefined;
  private readonly mixing: BatchMixing | undefined;
  private readonly classes: number;
  private readonly seed: number;

  constructor(dataset: Omit<ImageDataset, 'train' | 'test'>, split: ImageSplit, options: ResidentOptions = {}) {
    checkShapeOfImages('ResidentDataset', dataset);
    checkSplit('ResidentDataset', split);
    checkResident(dataset, options);
    const device = options.device ?? defaultDevice();
    const words = new Uint32Array(Math.ceil(split.images.length / 4));
    new Uint8Array(words.buffer).set(split.images);
    this.count = split.count;
    using whole = new AllOrNothing();
    this.images = resident(device, words.length, 'u32').set(words);
    this.labels = resident(device, split.count, 'i32').set(split.labels);
    this.augmentation = options.augmentation;
    this.adjustments = options.adjustments;
    this.mixing = options.mixing;
    this.classes = dataset.classes.length;
    this.seed = options.seed ?? 0;
    const { channels, height, width } = dataset;
    const outChannels = options.channels ?? channels;
    const spread = (values: readonly number[]): number[] =>
      Array.from({ length: outChannels }, (_, c) => values[c % values.length] as number);
    const { mean = dataset.mean, std = dataset.std, size } = options;
    this.shape = {
      channels,
      height,
      width,
      outChannels,
      outHeight: size ?? height,
      outWidth: size ?? width,
      mean: spread(mean),
      std: spread(std),
    };
    whole.done();
  }

  /** Whether batches are drawn: augmented, adjusted or mixed. */
  get random(): boolean {
    return Boolean(this.augmentation || this.adjustments || this.mixing);
  }

  /** Random batches made so far: their random numbers are drawn by it. Part of a run's state. */
  get step(): number {
    return this.drawn.value;
  }
  set step(step: number) {
    this.drawn.value = step;
  }

  /**
   * Images [B, C, H, W] and labels [B] (i32) of these rows; with `mixing` labels are probabilities [B, K] (f32). `augment: false` leaves
   * images and labels as they are. A row from `count` on or below 0 has NaN for an image and −1 for a label, so that its loss is NaN.
   */
  batch(index: Tensor, { augment = true }: { augment?: boolean } = {}): ImageBatch {
    checkTensors('batch', { index });
    const { mixing } = this;
    if (!(augment && this.random)) return { images: gatherImages(this.images, index, this.shape), labels: take(this.labels, index) };
    return scope(() => {
      const images = this.augmented(index);
      const plain = { images, labels: take(this.labels, index) };
      const { seed, classes } = this;
      const made = mixing ? mixing.mix(plain, { seed, classes, step: () => this.drawn.value }) : plain;
      this.drawn.change((step) => step + 1);
      return made;
    });
  }

  private augmented(index: Tensor): Tensor {
    const { augmentation, adjustments, shape, seed } = this;
    const drawn = augmentation && drawnBy(augmentation);
    if (!adjustments) return this.gathered(index, { ...shape, ...drawn });
    const { channels } = shape;
    // As bytes; a square is cut out of what the changes have made of them.
    const plain = {
      outChannels: channels,
      mean: Array.from({ length: channels }, () => 0),
      std: Array.from({ length: channels }, () => 1 / 255),
    };
    const bytes = this.gathered(index, { ...shape, ...drawn, ...plain, cutout: 0 });
    return adjustments.make(bytes, {
      seed,
      step: () => this.drawn.value,
      cutout: augmentation?.cutout ?? 0,
      mean: shape.mean,
      std: shape.std,
    });
  }

  private gathered(index: Tensor, options: GatherImagesOptions): Tensor {
    if (!(options.crop || options.flip || options.cutout)) return gatherImages(this.images, index, options);
    using rng = hostNumbers({ device: this.images.device, count: 4, dtype: 'u32', label: 'augmentation state' }, () => {
      const step = this.drawn.value;
      return [this.seed >>> 0, Math.floor(this.seed / 2 ** 32), step >>> 0, Math.floor(step / 2 ** 32)];
    });
    return gatherImages(this.images, index, { ...options, rng });
  }

  dispose(): void {
    for (const x of [this.images, this.labels]) x.dispose();
  }
}

function checkResident(dataset: Omit<ImageDataset, 'train' | 'test'>, options: ResidentOptions): void {
  const { channels, height, width } = dataset;
  const name = 'ResidentDataset';
  checkOptions(name, options, ['device', 'size', 'channels', 'mean', 'std', 'augmentation', 'adjustments', 'mixing', 'seed']);
  const {
    size = Math.max(height, width),
    channels: made = channels,
    mean = dataset.mean,
    std = dataset.std,
    augmentation = {},
    adjustments,
    mixing,
    seed = 0,
  } = options;
  checkAugmentation(name, augmentation);
  if (adjustments !== undefined && typeof adjustments.make !== 'function')
    throw new OpError(name, `adjustments is ${showValue(adjustments)}; give imageAdjustments({ randAugment: {} })`);
  if (mixing !== undefined && typeof mixing.mix !== 'function')
    throw new OpError(name, `mixing is ${showValue(mixing)}; give batchMixing({ mixup: 0.2 })`);
  checkNumber(name, { size }, { from: Math.max(height, width), whole: true });
  checkNumber(name, { channels: made, seed }, { from: 0, whole: true });
  if (made === 0 || made % channels !== 0)
    throw new OpError(name, `channels is ${made}; ${channels} stored channels repeat to a multiple of them`);
  for (const [what, values, range] of [
    ['mean', mean, {}],
    ['std', std, { above: 0 }],
  ] as const) {
    const fitting = [...new Set([1, channels, made])];
    if (!Array.isArray(values) || !fitting.includes(values.length))
      throw new OpError(name, `${what} is ${showValue(values)}; give a list of ${fitting.join(' or ')}, for all channels or one each`);
    for (const value of values) checkNumber(name, { [what]: value }, range);
  }
}

/** Belongs to no scope: it lives as long as the dataset. */
const resident = (device: Device, count: number, dtype: 'u32' | 'i32'): Tensor =>
  Tensor.allocate(device, { shape: [count], dtype, format: 'rowMajor' }, 'dataset');
