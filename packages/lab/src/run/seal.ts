import { createHash } from 'node:crypto';

/** Stands in a file before its digest: a string of its JSON begins so. */
const mark = '"initlab-sha256:';
const digits = 64;
/** What a file holds in the place of its digest until `seal` fills it in: the value of a string in its JSON. */
export const blankSeal = `${mark.slice(1)}${'0'.repeat(digits)}`;

/**
 * Writes a file's own SHA-256 into it, in the place of `blankSeal`; it is taken with that place blank, so it covers every
 * byte of the file. Answers the digest. `end`: where the part of the file ends that may hold the place; default all.
 */
export function seal(bytes: Uint8Array, { end = bytes.length }: { readonly end?: number } = {}): string {
  const at = placeOf(bytes, end);
  if (at === undefined) throw new RangeError('seal: the file has not one place for a seal');
  const digest = digestOf(bytes, at);
  bytes.set(new TextEncoder().encode(digest), at);
  return digest;
}

/** The digest a file carries, if it is that of its bytes; undefined where any of them was changed. */
export function checkSeal(bytes: Uint8Array, { end = bytes.length }: { readonly end?: number } = {}): string | undefined {
  const at = placeOf(bytes, end);
  if (at === undefined) return undefined;
  const digest = digestOf(bytes, at);
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, digits).toString('latin1') === digest ? digest : undefined;
}

function placeOf(bytes: Uint8Array, end: number): number | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  const found = head.indexOf(mark);
  const at = found + mark.length;
  return found < 0 || at + digits > end || head.indexOf(mark, at) >= 0 ? undefined : at;
}

const digestOf = (bytes: Uint8Array, at: number): string =>
  createHash('sha256')
    .update(bytes.subarray(0, at))
    .update('0'.repeat(digits))
    .update(bytes.subarray(at + digits))
    .digest('hex');
