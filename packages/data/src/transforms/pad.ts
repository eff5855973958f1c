import { OpError } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { checkDataset, type ImageDataset, type ImageSize, type ImageSplit } from '../dataset/image-dataset.js';

/**
 * Every image in the middle of a black one of `height` × `width` (torchvision: `Pad`). With an odd difference the extra
 * row or column is at the end. Throws when the target is smaller than the images.
 */
export function padDataset(dataset: ImageDataset, size: ImageSize): ImageDataset {
  checkDataset('padDataset', dataset);
  checkOptions('padDataset', size, ['height', 'width']);
  const { height, width } = size;
  checkNumber('padDataset', { height, width }, { from: 1, whole: true });
  if (height === dataset.height && width === dataset.width) return dataset;
  if (height < dataset.height || width < dataset.width) {
    throw new OpError(
      'padDataset',
      `cannot pad ${dataset.height} × ${dataset.width} to ${height} × ${width}; the target must not be smaller`,
    );
  }
  const top = Math.floor((height - dataset.height) / 2);
  const left = Math.floor((width - dataset.width) / 2);
  const pad = (split: ImageSplit): ImageSplit => {
    const images = new Uint8Array(split.count * dataset.channels * height * width);
    const rows = split.count * dataset.channels * dataset.height;
    for (let row = 0; row < rows; row++) {
      const plane = Math.floor(row / dataset.height);
      const y = row - plane * dataset.height;
      const from = split.images.subarray(row * dataset.width, (row + 1) * dataset.width);
      images.set(from, (plane * height + top + y) * width + left);
    }
    return { ...split, images };
  };
  return { ...dataset, height, width, train: pad(dataset.train), test: pad(dataset.test) };
}
