import { showValue } from '@initlab/core/internal';
import { DataError } from '../dataset/data-error.js';

/** Throws where the bytes of a file are wanted: `file` names them. */
export function checkBytes(file: string, bytes: unknown): asserts bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new DataError(file, `is to be given as a Uint8Array of its bytes, not as ${showValue(bytes)}`);
}
