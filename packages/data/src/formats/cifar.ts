import { OpError } from '@initlab/core';
import { checkChoice, showValue } from '@initlab/core/internal';
import { DataError } from '../dataset/data-error.js';
import { type ImageSplit, makeSplit } from '../dataset/image-dataset.js';
import { checkBytes } from './check-bytes.js';

/** The two CIFAR datasets, whose files differ in their label bytes. */
export type CifarKind = 'cifar10' | 'cifar100';
const pixels = 3 * 32 * 32;

/**
 * Reads one or more files of the official CIFAR *binary* version: records of one label byte (CIFAR-100: coarse, then
 * fine label, of which the fine one is kept) and 3,072 bytes, planes R, G, B of 32 × 32. There is no header; the count
 * follows from the size. Throws DataError for a size that is no whole number of records or for a label out of range.
 */
export function parseCifar(files: readonly { readonly file: string; readonly bytes: Uint8Array }[], kind: CifarKind): ImageSplit {
  checkChoice('parseCifar', 'kind', { value: kind, known: ['cifar10', 'cifar100'] });
  if (!Array.isArray(files) || !files.every((file) => typeof file === 'object' && file !== null))
    throw new OpError('parseCifar', `takes a list of files, [{ file, bytes }], got ${showValue(files)}`);
  const labelBytes = kind === 'cifar10' ? 1 : 2;
  const classes = kind === 'cifar10' ? 10 : 100;
  const record = labelBytes + pixels;
  for (const { file, bytes } of files) {
    checkBytes(file, bytes);
    if (bytes.length === 0 || bytes.length % record !== 0) {
      throw new DataError(
        file,
        `has ${bytes.length} bytes, which is not a whole number of ${record}-byte records; it is truncated or not the binary version. Fetch it again.`,
      );
    }
  }
  const count = files.reduce((sum, { bytes }) => sum + bytes.length / record, 0);
  const images = new Uint8Array(count * pixels);
  const labels = new Uint8Array(count);
  let at = 0;
  for (const { file, bytes } of files) {
    for (let start = 0; start < bytes.length; start += record, at++) {
      const label = bytes[start + labelBytes - 1] as number;
      const coarse = bytes[start] as number;
      if (label >= classes || (kind === 'cifar100' && coarse >= 20)) {
        throw new DataError(
          file,
          `record ${start / record} has label ${kind === 'cifar100' ? `${coarse}/${label}` : label}, which ${kind} does not have; the file is damaged or of another dataset. Fetch it again.`,
        );
      }
      labels[at] = label;
      images.set(bytes.subarray(start + labelBytes, start + record), at * pixels);
    }
  }
  return makeSplit(images, labels, { bytesPerImage: pixels, classes, file: files.map((f) => f.file).join(', ') });
}
