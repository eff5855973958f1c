import { checkNumber, checkOptions } from '@initlab/core/internal';
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
  const bytes = { from: dataset.height * dataset.width, to: height * width };
  const resizePlane = planeResizer(dataset, size);
  const resize = (split: ImageSplit): ImageSplit => {
    const planes = split.count * dataset.channels;
    const images = new Uint8Array(planes * bytes.to);
    for (let plane = 0; plane < planes; plane++)
      resizePlane(split.images.subarray(plane * bytes.from, (plane + 1) * bytes.from), images.subarray(plane * bytes.to));
    return { ...split, images };
  };
  return { ...dataset, height, width, train: resize(dataset.train), test: resize(dataset.test) };
}

/** What resizes one channel of an image, rows of bytes, into the beginning of `target`. */
export function planeResizer(from: ImageSize, to: ImageSize): (source: Uint8Array, target: Uint8Array) => void {
  const across = bilinearTaps(from.width, to.width);
  const down = bilinearTaps(from.height, to.height);
  const { width } = to;
  const between = new Uint8Array(from.height * width);
  return (source, target) => {
    for (let y = 0; y < from.height; y++)
      for (let x = 0; x < width; x++) between[y * width + x] = weigh(source, y * from.width, 1, across[x] as Taps);
    for (let y = 0; y < to.height; y++) {
      const taps = down[y] as Taps;
      for (let x = 0; x < width; x++) target[y * width + x] = weigh(between, x, width, taps);
    }
  };
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
