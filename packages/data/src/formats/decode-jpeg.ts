import jpeg from 'jpeg-js';
import { DataError } from '../dataset/data-error.js';
import type { DecodedImage } from '../dataset/decoded-image.js';
import { upsampled } from './jpeg-upsampling.js';

/** As Pillow: more is taken for an attack. */
const most = { maxResolutionInMP: 178, maxMemoryUsageInMB: 4096 };
/** CMYK apart, what libjpeg makes of a file: chroma interpolated between its samples, colours by its tables. Throws in words. */
export function decodeJpeg(bytes: Uint8Array, { file }: { file: string }): DecodedImage {
  const header = headerOf(bytes);
  if (!header) throw new DataError(file, 'is no image that can be read: it ends before its pixels, or has none');
  const { frame, components, bits, transform, transformAt } = header;
  if (frame > 2)
    throw new DataError(
      file,
      `is a JPEG with ${frame > 8 ? 'arithmetic coding' : frame === 3 ? 'lossless coding' : 'a hierarchy of images'}, which is not read here. Save it with Huffman coding, baseline or progressive, as nearly all programs do.`,
    );
  if (bits !== 8) throw new DataError(file, `has ${bits} bits a sample, which is not read here. Convert it to 8.`);
  // The decoder would bring samples to their colours before they are interpolated, wherever Adobe's mark asks for it.
  const plain = components.length === 3 && transformAt !== undefined ? bytes.with(transformAt, 0) : bytes;
  const decoded = jpeg.decode(plain, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    ...(components.length === 3 ? { colorTransform: false } : {}),
    ...most,
  });
  const { width, height, data } = decoded;
  if (components.length === 4) return { width, height, channels: 3, pixels: data };
  const sample = (c: number): Uint8Array => {
    const plane = new Uint8Array(width * height);
    for (let i = 0; i < plane.length; i++) plane[i] = data[3 * i + c] as number;
    return plane;
  };
  if (components.length === 1) return { width, height, channels: 1, pixels: sample(0) };
  const across = Math.max(...components.map(({ h }) => h));
  const down = Math.max(...components.map(({ v }) => v));
  const planes = components.map(({ h, v }, c) => upsampled(sample(c), { width, height, across: across / h, down: down / v }));
  return { width, height, channels: 3, pixels: colours(planes, transform) };
}

interface Component {
  readonly id: number;
  /** Sampling factors. */
  readonly h: number;
  readonly v: number;
}
interface Header {
  /** Of SOF0, SOF1 … */
  readonly frame: number;
  readonly components: readonly Component[];
  readonly bits: number;
  /** Three components are luma and chroma, not colours. */
  readonly transform: boolean;
  /** Where Adobe's segment says so. */
  readonly transformAt: number | undefined;
}

const textAt = (bytes: Uint8Array, at: number, text: string): boolean => [...text].every((c, i) => bytes[at + i] === c.charCodeAt(0));

/** Up to the start of the frame; undefined where there is none. */
function headerOf(bytes: Uint8Array): Header | undefined {
  let jfif = false;
  let transformAt: number | undefined;
  for (let at = 2; at + 9 < bytes.length; ) {
    const marker = bytes[at + 1] as number;
    if (bytes[at] !== 0xff) break;
    if (marker === 0xff) {
      at++;
      continue;
    }
    const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    if (marker === 0xe0) jfif ||= textAt(bytes, at + 4, 'JFIF\0');
    if (marker === 0xee && length >= 14 && textAt(bytes, at + 4, 'Adobe')) transformAt = at + 15;
    // Of all from C0 to CF these three begin no frame.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      const components = Array.from({ length: bytes[at + 9] as number }, (_, c) => {
        const [id = 0, factors = 0] = bytes.subarray(at + 10 + 3 * c);
        return { id, h: factors >> 4, v: factors & 15 };
      });
      // Without a word from either mark the names of the components tell.
      const named = components.map(({ id }) => String.fromCharCode(id)).join('') !== 'RGB';
      const transform = jfif || (transformAt === undefined ? named : bytes[transformAt] !== 0);
      return { frame: marker - 0xc0, components, bits: bytes[at + 4] as number, transform, transformAt };
    }
    at += 2 + length;
  }
  return undefined;
}

const half = 1 << 15;
const table = (factor: number, round: number): Int32Array =>
  Int32Array.from({ length: 256 }, (_, i) => Math.round(factor * 65_536) * (i - 128) + round);
/** ITU-T T.871, in libjpeg's whole numbers of 2⁻¹⁶. */
const tables = {
  redOfCr: table(1.402, half),
  greenOfCb: table(-0.344136286, 0),
  greenOfCr: table(-0.714136286, half),
  blueOfCb: table(1.772, half),
};

/** Pixels of three planes; `transform` where they are luma and chroma. */
function colours(planes: readonly Uint8Array[], transform: boolean): Uint8Array {
  const [first, second, third] = planes as [Uint8Array, Uint8Array, Uint8Array];
  const { redOfCr, greenOfCb, greenOfCr, blueOfCb } = tables;
  const pixels = new Uint8ClampedArray(3 * first.length);
  for (let i = 0; i < first.length; i++) {
    const y = first[i] as number;
    const cb = second[i] as number;
    const cr = third[i] as number;
    pixels[3 * i] = transform ? y + ((redOfCr[cr] as number) >> 16) : y;
    pixels[3 * i + 1] = transform ? y + (((greenOfCb[cb] as number) + (greenOfCr[cr] as number)) >> 16) : cb;
    pixels[3 * i + 2] = transform ? y + ((blueOfCb[cb] as number) >> 16) : cr;
  }
  return new Uint8Array(pixels.buffer);
}
