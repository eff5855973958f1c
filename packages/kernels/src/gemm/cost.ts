import { cheapestCut, type ProductSize } from '../product-cost.js';
import { type Tile, tileThreads } from '../tile-rules.js';
import type { GemmChoice } from './tile.js';

/** The best number of parts for a tile, and what the product then costs. */
export function gemmCost(size: ProductSize, tile: Tile, cut: { joined: boolean; mostSplits: number }): GemmChoice & { cost: number } {
  // Loads from workgroup memory fall with the invocation's block, loads from memory with the workgroup's.
  const perMultiply = 1 + 2 / tile.threadM + 2 / tile.threadN + 16 / tile.m + 16 / tile.n;
  const block = (depth: number): number => tile.m * tile.n * (depth * perMultiply + 32);
  return { tile, ...cheapestCut(size, { tile, threads: tileThreads(tile), block }, cut) };
}
