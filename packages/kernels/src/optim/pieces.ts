import { ceilDiv } from '../kernel.js';
import type { SlotRange, Target } from '../plan.js';

/** A stretch of a flat f32 vector that one binding can cover. */
export interface FlatPiece {
  readonly begin: number;
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
  if (size <= most) return [{ begin: 0, elements: size, of: (slot) => slot }];
  const pieces: FlatPiece[] = [];
  for (let begin = 0; begin < size; begin += most) {
    const elements = Math.min(most, size - begin);
    pieces.push({ begin, elements, of: (slot) => ({ slot, offset: begin * 4, bytes: elements * 4 }) });
  }
  return pieces;
}

/** A stretch of one of several gradients; `count` workgroups look through it and leave what they find from place `begin` on. */
export interface GradientPiece {
  readonly elements: number;
  readonly count: number;
  readonly begin: number;
  readonly slot: string | SlotRange;
}

/** Gradients in the slots grad0, grad1, … cut so, with a workgroup for every `perGroup` elements; `total` of these. */
export function gradientPieces(sizes: readonly number[], perGroup: number, target: Target): { pieces: GradientPiece[]; total: number } {
  let total = 0;
  const pieces = sizes.flatMap((length, i) =>
    flatPieces(length, target).map(({ elements, of }): GradientPiece => {
      const count = ceilDiv(elements, perGroup);
      total += count;
      return { elements, count, begin: total - count, slot: of(`grad${i}`) };
    }),
  );
  return { pieces, total };
}
