import { type CutOptions, cheapestCut, type ProductSize } from '../product-cost.js';
import { type Tile, tileThreads } from '../tile-rules.js';
import { type GemmChoice, gemmTiles } from './tile.js';

/** Tiles that fit, each with its best number of parts, and what the product then costs; the cheapest first. */
export const gemmChoices = (size: ProductSize, cut: CutOptions, fits: (tile: Tile) => boolean): (GemmChoice & { cost: number })[] =>
  gemmTiles
    // Columns that are no whole vectors are stored one by one, each behind a branch: too many for an 8×8 block.
    .filter((tile) => fits(tile) && (size.columns % 4 === 0 || tile.threadM * tile.threadN <= 32))
    .map((tile) => gemmCost(size, tile, cut))
    .sort((a, b) => a.cost - b.cost);

function gemmCost(size: ProductSize, tile: Tile, cut: CutOptions): GemmChoice & { cost: number } {
  // Loads from workgroup memory fall with the invocation's block, loads from memory with the workgroup's.
  const perMultiply = 1 + 2 / tile.threadM + 2 / tile.threadN + 16 / tile.m + 16 / tile.n;
  const block = (depth: number): number => tile.m * tile.n * (depth * perMultiply + 32);
  return { tile, ...cheapestCut(size, { tile, threads: tileThreads(tile), block }, cut) };
}
