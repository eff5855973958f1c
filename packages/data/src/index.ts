/** Everything here runs in Node and in browsers; file access is in `@initlab/data/node`. */

export type { ImageAugmentation } from './dataset/augmentation.js';
export { type BatchMixing, type BatchMixingOptions, batchMixing, type ImageBatch } from './dataset/batch-mixing.js';
export {
  type DatasetInfo,
  type DatasetName,
  datasetCatalog,
  datasetNames,
  type PublishedContent,
  type PublishedFile,
} from './dataset/catalog.js';
export type { ColorJitterOptions, JitterRange } from './dataset/color-jitter.js';
export { DataError } from './dataset/data-error.js';
export {
  type BatchOptions,
  batchCount,
  batchesOf,
  type EpochOrderOptions,
  epochOrder,
  sequentialOrder,
  shuffledOrder,
  type Uint32Source,
} from './dataset/epoch-order.js';
export { type HoldOutOptions, holdOut } from './dataset/hold-out.js';
export { type ImageAdjustmentOptions, type ImageAdjustments, imageAdjustments } from './dataset/image-adjustments.js';
export { type ImageDataset, type ImageSize, type ImageSplit, imageBytes, type Labels, limitDataset } from './dataset/image-dataset.js';
export type { RandAugmentOptions } from './dataset/rand-augment.js';
export { ResidentDataset, type ResidentOptions } from './dataset/resident-dataset.js';
export { type CifarKind, parseCifar } from './formats/cifar.js';
export { cifarFromFiles, fashionMnistFromFiles, type IdxFiles, mnistFromFiles, type NamedBytes } from './formats/from-files.js';
export { type GunzipOptions, gunzip } from './formats/gunzip.js';
export { type IdxArray, type IdxKind, type IdxOptions, parseIdx, readIdx } from './formats/idx.js';
export { padDataset } from './transforms/pad.js';
export { resizeDataset } from './transforms/resize.js';
