import { checkChoice, checkOptions } from '@initlab/core/internal';
import { DataError } from '../dataset/data-error.js';
import { checkBytes } from './check-bytes.js';
import { gunzip, isGzip } from './gunzip.js';

/** Content of an idx file of unsigned bytes (the format of MNIST and FashionMNIST). */
export interface IdxArray {
  /** `[count]` for labels, `[count, height, width]` for images. */
  readonly shape: readonly number[];
  /** A view on the file's bytes. */
  readonly data: Uint8Array;
}
/** What an idx file holds: images [count, height, width] or labels [count]. */
export type IdxKind = 'images' | 'labels';

/** Options of `readIdx` and `parseIdx`. */
export interface IdxOptions {
  /** Name for messages. */
  readonly file: string;
  readonly kind: IdxKind;
  /** Of `gunzip`. */
  readonly maxBytes?: number;
}

function checkIdxOptions(op: string, options: IdxOptions): void {
  checkOptions(op, options, ['file', 'kind', 'maxBytes']);
  checkChoice(op, 'kind', { value: options.kind, known: Object.keys(dimensions) });
}

const dimensions: Record<IdxKind, number> = { images: 3, labels: 1 };
const magicOf = (dims: number): string => `0x${(0x0800 + dims).toString(16).padStart(8, '0')}`;

/**
 * Reads an idx file of unsigned bytes: big-endian magic `0x0000 08 <dims>`, one 32-bit size per dimension, data.
 * Sizes are only compared with the bytes that are there. Throws DataError for a wrong magic, a truncated or an
 * overlong file. `bytes` must be unpacked already; `readIdx` does that.
 */
export function parseIdx(bytes: Uint8Array, options: IdxOptions): IdxArray {
  checkIdxOptions('parseIdx', options);
  const { file, kind } = options;
  checkBytes(file, bytes);
  const dims = dimensions[kind];
  const again = `Fetch it again, or name the folder that has the right ${kind === 'images' ? '*-images-idx3-ubyte' : '*-labels-idx1-ubyte'} file.`;
  const header = 4 + 4 * dims;
  if (bytes.length < 4) throw new DataError(file, `has ${bytes.length} bytes, too few for an idx file. ${again}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  if (magic !== 0x0800 + dims)
    throw new DataError(file, `expected idx magic ${magicOf(dims)} (${kind}), found ${describeMagic(magic)}. ${again}`);
  if (bytes.length < header) throw new DataError(file, `is cut off inside its ${header}-byte header (${bytes.length} bytes). ${again}`);
  const shape = Array.from({ length: dims }, (_, i) => view.getUint32(4 + 4 * i));
  const claimed = shape.reduce((product, size) => product * size, 1);
  const present = bytes.length - header;
  if (present < claimed) {
    throw new DataError(file, `is truncated: its header says ${shape.join(' × ')} = ${claimed} bytes, ${present} are there. ${again}`);
  }
  if (present > claimed) {
    throw new DataError(file, `has ${present - claimed} bytes more than the ${shape.join(' × ')} its header says. ${again}`);
  }
  return { shape, data: bytes.subarray(header) };
}

/** As `parseIdx`, unpacking gzip first where the bytes are gzip (whatever the file is called). */
export async function readIdx(bytes: Uint8Array, options: IdxOptions): Promise<IdxArray> {
  checkIdxOptions('readIdx', options);
  const { file, maxBytes } = options;
  checkBytes(file, bytes);
  return parseIdx(isGzip(bytes) ? await gunzip(bytes, { file, maxBytes }) : bytes, options);
}

function describeMagic(magic: number): string {
  const shown = `0x${magic.toString(16).padStart(8, '0')}`;
  const first = magic >>> 24;
  if (magic === 0x0803) return `${shown}: an image file`;
  if (magic === 0x0801) return `${shown}: a label file`;
  if (magic >>> 16 === 0x1f8b) return `${shown}: gzip, packed twice`;
  if (first === 0x3c) return `${shown}: text like a web page, perhaps the answer of a failed download`;
  return shown;
}
