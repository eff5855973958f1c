import { Generator, OpError } from '@initlab/core';
import { checkOptions } from '@initlab/core/internal';
import { shuffledOrder } from './epoch-order.js';
import { checkDataset, type ImageDataset, type ImageSplit, takeImages } from './image-dataset.js';

/** Keeps this draw apart from what else is drawn with a run's seed. */
const holdOutStream = 0x564c_0000;

/** Options of `holdOut`. */
export interface HoldOutOptions {
  /** Between 0 and 1. */
  readonly share: number;
  readonly seed: number;
}

/**
 * Takes a share of the training images away for validation (PyTorch: `random_split`): which ones depends on `seed` and their
 * number alone, both parts keep the order of the files, and no image is in both. Throws where a part would be empty.
 */
export function holdOut(dataset: ImageDataset, options: HoldOutOptions): { train: ImageSplit; validation: ImageSplit } {
  checkOptions('holdOut', options, ['share', 'seed']);
  checkDataset('holdOut', dataset);
  const { share, seed } = options;
  const { train } = dataset;
  const held = Math.round(train.count * share);
  if (!(share > 0 && share < 1) || held < 1 || held >= train.count)
    throw new OpError('holdOut', `a share of ${share} of ${train.count} images leaves no two parts; give a share between 0 and 1`);
  const generator = new Generator(seed, { stream: holdOutStream });
  const order = shuffledOrder(train.count, () => generator.uint32());
  return {
    train: takeImages(dataset, train, order.slice(held).sort()),
    validation: takeImages(dataset, train, order.slice(0, held).sort()),
  };
}
