import { checkNumber, checkOptions } from '@initlab/core';
import { checkDataset, type ImageDataset, type ImageSize, type ImageSplit } from '../dataset/image-dataset.js';

/** Weights are whole numbers of 2⁻²², and each pass rounds to a byte: that is what Pillow does. */
const fractionBits = 22;

interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

/**
 * Every image resized bilinearly (torchvision: `Resize` on a PIL image; the filter widens when shrinking). Columns first,
 * then rows, in the fixed-point arithmetic of Pillow.
 */
export function resizeDataset(dataset: ImageDataset, size: ImageSize): ImageDataset {
  checkDataset('resizeDataset', dataset);
  checkOptions('resizeDataset', size, ['height', 'width']);
  const { height, width } = size;
  checkNumber('resizeDataset', { height, width }, { from: 1, whole: true });
  if (height === dataset.height && width === dataset.width) return dataset;
  const across = bilinearTaps(dataset.width, width);
  const down = bilinearTaps(dataset.height, height);
  const resize = (split: ImageSplit): ImageSplit => {
    const planes = split.count * dataset.channels;
    const images = new Uint8Array(planes * height * width);
    const between = new Uint8Array(dataset.height * width);
    for (let plane = 0; plane < planes; plane++) {
      const source = plane * dataset.height * dataset.width;
      for (let y = 0; y < dataset.height; y++) {
        for (let x = 0; x < width; x++) between[y * width + x] = weigh(split.images, source + y * dataset.width, 1, across[x] as Taps);
      }
      for (let y = 0; y < height; y++) {
        const taps = down[y] as Taps;
        const target = (plane * height + y) * width;
        for (let x = 0; x < width; x++) images[target + x] = weigh(between, x, width, taps);
      }
    }
    return { ...split, images };
  };
  return { ...dataset, height, width, train: resize(dataset.train), test: resize(dataset.test) };
}

function weigh(bytes: Uint8Array, start: number, stride: number, { first, weights }: Taps): number {
  let sum = 1 << (fractionBits - 1);
  for (let i = 0; i < weights.length; i++) sum += (bytes[start + (first + i) * stride] as number) * (weights[i] as number);
  return Math.min(255, Math.max(0, sum >> fractionBits));
}

/** For each output position the input positions under a triangle centred on it, weights summing to one. */
function bilinearTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(from, Math.floor(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / support)));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: raw.map((weight) => Math.floor(0.5 + (weight / total) * 2 ** fractionBits)) };
  });
}
