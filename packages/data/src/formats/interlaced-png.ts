import { InitlabError } from '@initlab/core';
import { unzlibSync } from 'fflate';

/** Adam7: where a pass begins, and its steps (ISO/IEC 15948, 8.2). */
const passes = [
  { x: 0, y: 0, across: 8, down: 8 },
  { x: 4, y: 0, across: 8, down: 8 },
  { x: 0, y: 4, across: 4, down: 8 },
  { x: 2, y: 0, across: 4, down: 4 },
  { x: 0, y: 2, across: 2, down: 4 },
  { x: 1, y: 0, across: 2, down: 2 },
  { x: 0, y: 1, across: 1, down: 2 },
] as const;

/** One value a pixel, gray or an index into the palette. */
export interface SmallDepths {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly palette: readonly (readonly number[])[] | undefined;
  readonly values: Uint8Array;
}

/** Whether it is a file for `decodeInterlaced`: several pixels in a byte, whose bytes the PNG decoder takes for whole pixels in a pass. */
export const isInterlaced = (bytes: Uint8Array): boolean => (bytes[24] as number) < 8 && bytes[28] === 1;

/** An interlaced PNG of 1, 2 or 4 bits a pixel. Throws an InitlabError for what is damaged, which names no file: its caller does. */
export function decodeInterlaced(bytes: Uint8Array): SmallDepths {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height, depth] = [view.getUint32(16), view.getUint32(20), bytes[24] as number];
  const kind = bytes[25];
  if (![1, 2, 4].includes(depth) || (kind !== 0 && kind !== 3))
    throw new InitlabError(`there is no PNG of type ${kind} with ${depth} bits`);
  const { data, palette } = chunksOf(bytes, view);
  const rows = unzlibSync(data);
  const sizes = passes.map(({ x, y, across, down }) => {
    const [columns, count] = [Math.max(0, Math.ceil((width - x) / across)), Math.max(0, Math.ceil((height - y) / down))];
    return { columns, count: columns === 0 ? 0 : count, bytes: Math.ceil((columns * depth) / 8) };
  });
  // Looked at before memory is taken for as much as the header says.
  if (rows.length < sizes.reduce((sum, pass) => sum + pass.count * (1 + pass.bytes), 0))
    throw new InitlabError('it ends before its pixels');
  const values = new Uint8Array(width * height);
  let at = 0;
  for (const [p, { x, y, across, down }] of passes.entries()) {
    const { columns, count, bytes: length } = sizes[p] as (typeof sizes)[number];
    let above = new Uint8Array(length);
    for (let row = 0; row < count; row++, at += 1 + length) {
      above = unfiltered(rows[at] as number, rows.subarray(at + 1, at + 1 + length), above);
      for (let i = 0; i < columns; i++)
        values[(y + row * down) * width + x + i * across] =
          ((above[(i * depth) >> 3] as number) >> (8 - depth - ((i * depth) & 7))) & (2 ** depth - 1);
    }
  }
  return { width, height, depth, palette: kind === 3 ? palette : undefined, values };
}

/** Image data and palette. */
function chunksOf(bytes: Uint8Array, view: DataView): { data: Uint8Array; palette: number[][] } {
  const parts: Uint8Array[] = [];
  let palette: number[][] = [];
  let type = '';
  for (let at = 8; type !== 'IEND'; ) {
    const length = view.getUint32(at);
    const content = bytes.subarray(at + 8, at + 8 + length);
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw new InitlabError(`its chunk ${type} is damaged`);
    if (type === 'IDAT') parts.push(content);
    if (type === 'PLTE') palette = Array.from({ length: Math.floor(length / 3) }, (_, i) => [...content.subarray(3 * i, 3 * i + 3)]);
    at += 12 + length;
  }
  const data = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    data.set(part, end);
    end += part.length;
  }
  return { data, palette };
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** A row of bytes, from what the filter left of it: the byte to the left, the one above, the one above that. */
function unfiltered(filter: number, row: Uint8Array, above: Uint8Array): Uint8Array<ArrayBuffer> {
  if (filter > 4) throw new InitlabError(`there is no filter ${filter}`);
  const made = new Uint8Array(row.length);
  for (const [i, byte] of row.entries()) {
    const [left, up, corner] = [made[i - 1] ?? 0, above[i] as number, above[i - 1] ?? 0];
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] as number;
    made[i] = byte + guess;
  }
  return made;
}

function paeth(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
}
