import { OpError } from '@initlab/core';
import { checkFlags, checkObject, checkOptions, showValue } from '@initlab/core/internal';
import { DataError } from './data-error.js';

/** Class indices: bytes, or words of 16 bits for more than 256 classes. */
export type Labels = Uint8Array | Uint16Array;

/** Images of one split, as the bytes of the files: `count` × `channels` × `height` × `width` (NCHW, row-major), 0…255. */
export interface ImageSplit {
  readonly images: Uint8Array;
  /** Class index per image; two bytes each where there are more than 256 classes. */
  readonly labels: Labels;
  readonly count: number;
}

/** A labelled image dataset in host memory. Everything the GPU-resident loader and a report need to know about it. */
export interface ImageDataset {
  readonly name: string;
  /** Class names in label order. */
  readonly classes: readonly string[];
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly train: ImageSplit;
  readonly test: ImageSplit;
  /** Customary mean per channel of x/255 (not recomputed from the files). */
  readonly mean: readonly number[];
  /** Customary standard deviation per channel of x/255. */
  readonly std: readonly number[];
  /** Where the bytes came from, for reports: a folder, an address, "shipped with initlab". */
  readonly origin: string;
}

/** Throws where a dataset is wanted and something else is given. */
export function checkDataset(op: string, dataset: unknown): asserts dataset is ImageDataset {
  checkShapeOfImages(op, dataset);
  const { train, test } = dataset as unknown as Record<string, unknown>;
  checkSplit(op, train);
  checkSplit(op, test);
}

/** Throws where the sizes of a dataset's images are wanted and are not there. */
export function checkShapeOfImages(op: string, dataset: unknown): asserts dataset is Pick<ImageDataset, 'channels' | 'height' | 'width'> {
  checkObject(op, 'a dataset, such as loadDataset gives', dataset);
  const sizes = dataset as Record<string, unknown>;
  for (const name of ['channels', 'height', 'width'])
    if (!(Number.isInteger(sizes[name]) && (sizes[name] as number) >= 1))
      throw new OpError(op, `takes a dataset, such as loadDataset gives; ${name} of this one is ${showValue(sizes[name])}`);
}

/** Throws where one split of a dataset is wanted and something else is given. */
export function checkSplit(op: string, split: unknown): asserts split is ImageSplit {
  checkObject(op, 'a split of a dataset, { images, labels, count }', split);
  const { images, labels, count } = split as Record<string, unknown>;
  if (!(images instanceof Uint8Array && (labels instanceof Uint8Array || labels instanceof Uint16Array) && Number.isInteger(count)))
    throw new OpError(op, 'takes a split of a dataset: images are a Uint8Array, labels that or a Uint16Array, count a whole number');
}

/** Rows and columns of images, in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** Bytes of one image. */
export function imageBytes(dataset: Pick<ImageDataset, 'channels' | 'height' | 'width'>): number {
  checkShapeOfImages('imageBytes', dataset);
  return dataset.channels * dataset.height * dataset.width;
}

/**
 * Puts a split together and checks that images and labels belong to each other.
 * Throws DataError (naming `file`) when counts differ or a label is not a class index.
 */
export function makeSplit(
  images: Uint8Array,
  labels: Labels,
  { bytesPerImage, classes, file }: { bytesPerImage: number; classes: number; file: string },
): ImageSplit {
  const count = labels.length;
  if (images.length !== count * bytesPerImage) {
    const found = images.length / bytesPerImage;
    throw new DataError(file, `has ${count} labels for ${found} images; the two files do not belong together. Fetch both again.`);
  }
  if (count === 0) throw new DataError(file, 'holds no images. Fetch it again.');
  const bad = labels.findIndex((label) => label >= classes);
  if (bad >= 0) {
    throw new DataError(
      file,
      `label ${labels[bad]} of image ${bad} is not one of the ${classes} classes; the file is damaged. Fetch it again.`,
    );
  }
  return { images, labels, count };
}

/** Options of `limitDataset`. */
export interface LimitOptions {
  readonly train?: number;
  readonly test?: number;
  /** Evenly from the whole split in place of its first, for images that lie class after class. They are copied then. Default false. */
  readonly spread?: boolean;
}

/**
 * The first `train` training and `test` test images, sharing the bytes (PyTorch: `Subset(dataset, range(n))`).
 * A number larger than the split means all of it.
 */
export function limitDataset(dataset: ImageDataset, limits: LimitOptions): ImageDataset {
  checkDataset('limitDataset', dataset);
  checkOptions('limitDataset', limits, ['train', 'test', 'spread']);
  checkFlags('limitDataset', { spread: limits.spread });
  const cut = (split: ImageSplit, limit: number | undefined): ImageSplit => {
    if (limit === undefined || limit >= split.count) return split;
    if (!Number.isInteger(limit) || limit < 1)
      throw new OpError('limitDataset', `${limit} images are not possible; give a whole number ≥ 1`);
    if (limits.spread)
      return takeImages(
        dataset,
        split,
        Int32Array.from({ length: limit }, (_, i) => Math.floor((i * split.count) / limit)),
      );
    const images = split.images.subarray(0, limit * imageBytes(dataset));
    return { images, labels: split.labels.subarray(0, limit), count: limit };
  };
  return { ...dataset, train: cut(dataset.train, limits.train), test: cut(dataset.test, limits.test) };
}

/** The images of these rows of a split, copied. */
export function takeImages(dataset: ImageDataset, split: ImageSplit, rows: Int32Array): ImageSplit {
  const size = imageBytes(dataset);
  const images = new Uint8Array(rows.length * size);
  const labels = split.labels.slice(0, rows.length);
  rows.forEach((row, i) => {
    images.set(split.images.subarray(row * size, (row + 1) * size), i * size);
    labels[i] = split.labels[row] as number;
  });
  return { images, labels, count: rows.length };
}
