import type { Target } from '../../plan.js';
import { type Tile, tileThreads } from '../../tile-rules.js';

/** Vectors of a row of the gathered operand in workgroup memory: one more than its depth, so that rows fall into different banks. */
export const paddedQuads = (tile: Tile): number => tile.k / 4 + 1;

/** The two operand tiles lie in workgroup memory as f32, with two numbers a row and the shares of an epilogue's sums. */
export const tileFits = (tile: Tile, target: Target): boolean => {
  const threads = tileThreads(tile);
  const bytes = tile.m * paddedQuads(tile) * 16 + tile.n * tile.k * 4 + tile.m * 8 + threads * 48;
  return bytes <= target.maxWorkgroupStorage && threads <= target.maxInvocations;
};
