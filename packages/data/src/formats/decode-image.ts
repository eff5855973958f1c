import { decode as decodePng, type DecodedPng, hasPngSignature } from 'fast-png';
import jpeg from 'jpeg-js';
import { DataError } from '../dataset/data-error.js';
import type { DecodedImage } from '../dataset/decoded-image.js';

/**
 * A PNG or JPEG as bytes, told by its content. Transparency is left out, of 16 bits the upper 8 are taken, palettes become colours
 * (Pillow: `Image.open(f).convert('RGB')`); JPEGs are within some levels of libjpeg's, whose arithmetic is another. Throws DataError.
 */
export function decodeImage(bytes: Uint8Array, { file }: { file: string }): DecodedImage {
  try {
    if (hasPngSignature(bytes)) return fromPng(decodePng(bytes, { checkCrc: true }), file);
    if (bytes[0] === 0xff && bytes[1] === 0xd8) return fromJpeg(bytes);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(file, `is no image that can be read: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  throw new DataError(file, 'is neither PNG nor JPEG by its first bytes. Remove it, or convert it to one of them.');
}

function fromPng(png: DecodedPng, file: string): DecodedImage {
  const { width, height, depth, palette, channels: stored } = png;
  const values = depth < 8 ? unpacked(png) : png.data;
  const count = width * height;
  if (palette) {
    const pixels = new Uint8Array(count * 3);
    for (let i = 0; i < count; i++) {
      const colour = palette[values[i] as number];
      if (!colour) throw new DataError(file, `is no image that can be read: pixel ${i} has a colour that is not in the palette`);
      pixels.set(colour.slice(0, 3), 3 * i);
    }
    return { width, height, channels: 3, pixels };
  }
  // 2 and 4 have transparency.
  const channels = stored < 3 ? 1 : 3;
  const top = 2 ** depth - 1;
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

function fromJpeg(bytes: Uint8Array): DecodedImage {
  const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false, tolerantDecoding: false });
  const count = width * height;
  // A gray one comes with three equal channels.
  const gray = componentsOf(bytes) === 1;
  if (!gray) return { width, height, channels: 3, pixels: data };
  return { width, height, channels: 1, pixels: Uint8Array.from({ length: count }, (_, i) => data[3 * i] as number) };
}

/** Number of components by the start-of-frame segment; undefined where there is none. */
function componentsOf(bytes: Uint8Array): number | undefined {
  let at = 2;
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] as number;
    // Of all from C0 to CF these three begin no frame.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return bytes[at + 9];
    at += marker === 0xff ? 1 : 2 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }
  return undefined;
}
