import type { DecodedImage } from '../dataset/decoded-image.js';
import type { ImageSize } from '../dataset/image-dataset.js';
import { planeResizer } from './resize.js';

/** Channel by channel, as datasets have them: from rows of pixels to [channels, height, width]. */
export function planesOf({ width, height, channels, pixels }: DecodedImage): Uint8Array {
  const count = width * height;
  const planes = new Uint8Array(channels * count);
  for (let c = 0; c < channels; c++) for (let i = 0; i < count; i++) planes[c * count + i] = pixels[i * channels + c] as number;
  return planes;
}

/**
 * Planes [channels, size, size] of an image whose shorter side was brought to `size`, bilinearly, and whose middle was cut out
 * (torchvision: `Resize(size)` of a PIL image, `CenterCrop(size)`).
 */
export function centreCrop(image: DecodedImage, size: number): Uint8Array {
  const { channels } = image;
  const resized = shorterSide(image, size);
  const planes = planesOf(image);
  const area = image.width * image.height;
  const resizePlane = planeResizer(image, resized);
  const whole = new Uint8Array(resized.height * resized.width);
  const cropped = new Uint8Array(channels * size * size);
  const top = halfToEven(resized.height - size);
  const left = halfToEven(resized.width - size);
  for (let c = 0; c < channels; c++) {
    resizePlane(planes.subarray(c * area, (c + 1) * area), whole);
    for (let y = 0; y < size; y++) {
      const row = (top + y) * resized.width + left;
      cropped.set(whole.subarray(row, row + size), (c * size + y) * size);
    }
  }
  return cropped;
}

function shorterSide({ height, width }: ImageSize, size: number): ImageSize {
  const longer = Math.floor((size * Math.max(height, width)) / Math.min(height, width));
  return height <= width ? { height: size, width: longer } : { height: longer, width: size };
}

/** Half of a whole number; of two that are as near the even one, as Python rounds. */
const halfToEven = (whole: number): number => {
  const below = Math.floor(whole / 2);
  return whole % 2 === 0 || below % 2 === 0 ? below : below + 1;
};
