import type { SlotRange, Target } from '../plan.js';

/** A stretch of a flat f32 vector that one binding can cover. */
export interface FlatPiece {
  readonly elements: number;
  /** The same stretch of another vector of this size. */
  readonly of: (slot: string) => string | SlotRange;
}

/**
 * A vector of `size` f32 cut to what the adapter binds at once: the parameters of a network together may be larger than
 * any of its tensors. One piece, the whole slot, where that suffices.
 */
export function flatPieces(size: number, { maxStorageBinding }: Pick<Target, 'maxStorageBinding'>): FlatPiece[] {
  // Offsets of bindings are multiples of 256 bytes.
  const most = Math.floor(maxStorageBinding / 256) * 64;
  if (size <= most) return [{ elements: size, of: (slot) => slot }];
  const pieces: FlatPiece[] = [];
  for (let begin = 0; begin < size; begin += most) {
    const elements = Math.min(most, size - begin);
    pieces.push({ elements, of: (slot) => ({ slot, offset: begin * 4, bytes: elements * 4 }) });
  }
  return pieces;
}
