import { type DecodedPng, decode as decodePng, hasPngSignature } from 'fast-png';
import { DataError } from '../dataset/data-error.js';
import type { DecodedImage } from '../dataset/decoded-image.js';
import { decodeJpeg } from './decode-jpeg.js';
import { decodeInterlaced, isInterlaced } from './interlaced-png.js';

/**
 * A PNG or JPEG as bytes, told by its content. Transparency and EXIF's rotation are left out, of 16 bits the upper 8 are taken, palettes
 * become colours (Pillow: `Image.open(f).convert('RGB')`, which cuts gray of 16 bits off at 255 instead). JPEGs are within 3 levels of
 * libjpeg's, whose inverse cosine transform rounds otherwise. Throws DataError.
 */
export function decodeImage(bytes: Uint8Array, { file }: { file: string }): DecodedImage {
  try {
    if (hasPngSignature(bytes)) {
      if (isInterlaced(bytes)) return fromPng({ channels: 1, ...decodeInterlaced(bytes) }, file);
      const png = decodePng(bytes, { checkCrc: true });
      return fromPng({ ...png, values: png.depth < 8 ? unpacked(png) : png.data }, file);
    }
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return decodeJpeg(bytes, { file });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(file, `is no image that can be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw new DataError(file, 'is neither PNG nor JPEG by its first bytes. Remove it, or convert it to one of them.');
}

/** What a PNG holds, each value by itself. */
interface PngValues extends Pick<DecodedPng, 'width' | 'height'> {
  readonly depth: number;
  readonly channels: number;
  readonly palette?: readonly (readonly number[])[] | undefined;
  readonly values: ArrayLike<number>;
}

function fromPng({ width, height, depth, palette, channels: stored, values }: PngValues, file: string): DecodedImage {
  const count = width * height;
  if (palette) {
    const pixels = new Uint8Array(count * 3);
    for (let i = 0; i < count; i++) {
      const colour = palette[values[i] as number];
      if (!colour) throw new DataError(file, `is no image that can be read: pixel ${i} has a colour that is not in the palette`);
      for (let c = 0; c < 3; c++) pixels[3 * i + c] = colour[c] as number;
    }
    return { width, height, channels: 3, pixels };
  }
  // 2 and 4 have transparency.
  const channels = stored < 3 ? 1 : 3;
  const top = 2 ** depth - 1;
  if (depth === 8 && channels === stored) return { width, height, channels, pixels: Uint8Array.from(values) };
  const pixels = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++)
    for (let c = 0; c < channels; c++) {
      const value = values[i * stored + c] as number;
      pixels[i * channels + c] = depth === 16 ? value >> 8 : depth === 8 ? value : Math.round((value * 255) / top);
    }
  return { width, height, channels, pixels };
}

/** One value a pixel, of rows that are packed into bytes, the first pixel in the highest bits. */
function unpacked({ width, height, depth, data }: DecodedPng): Uint8Array {
  const values = new Uint8Array(width * height);
  const rowBytes = Math.ceil((width * depth) / 8);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * rowBytes + (bit >> 3)] as number;
      values[y * width + x] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  return values;
}
