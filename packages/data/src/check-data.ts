import { checkObject, OpError, showValue } from '@initlab/core';
import { DataError } from './data-error.js';
import type { ImageDataset, ImageSplit } from './image-dataset.js';

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
  if (!(images instanceof Uint8Array && labels instanceof Uint8Array && Number.isInteger(count)))
    throw new OpError(op, 'takes a split of a dataset: images and labels are Uint8Arrays, count a whole number');
}

/** Throws where the bytes of a file are wanted: `file` names them. */
export function checkBytes(file: string, bytes: unknown): asserts bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new DataError(file, `is to be given as a Uint8Array of its bytes, not as ${showValue(bytes)}`);
}
