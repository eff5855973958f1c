import { ceilDiv } from '../../kernel.js';
import type { Target } from '../../plan.js';
import {
  busyThreads,
  byteCost,
  dispatchCost,
  mostPartialBytes,
  type ProductSize,
  processors,
  residentThreads,
} from '../../product-cost.js';
import { type Tile, tileThreads } from '../../tile-rules.js';
import type { Conv2dDirection, Conv2dProblem } from '../shared/problem.js';
import { sizeOf } from '../shared/product-size.js';
import type { GemmChoice } from './tile.js';

/** The best number of parts for a tile (one where the result must be `whole`), and what the product then costs. */
export function gemmCost(
  problem: Conv2dProblem,
  direction: Conv2dDirection,
  { tile, target, whole = false }: { tile: Tile; target: Target; whole?: boolean },
): GemmChoice & { cost: number } {
  const size = sizeOf(problem, direction);
  const limit = Math.min(mostPartialBytes, target.maxStorageBinding) / (size.elements * 4);
  let best = { tile, splits: 1, cost: splitCost(size, tile, 1, direction === 'gradWeight') };
  if (whole) return best;
  for (let splits = 2; splits <= Math.min(limit, 512, size.depth / (2 * tile.k)); splits *= 2) {
    const cost = splitCost(size, tile, splits, true);
    if (cost < best.cost) best = { tile, splits, cost };
  }
  return best;
}

function splitCost(size: ProductSize, tile: Tile, splits: number, joined: boolean): number {
  const blocks = ceilDiv(size.rows, tile.m) * ceilDiv(size.columns, tile.n) * size.products * splits;
  const depth = ceilDiv(ceilDiv(size.depth, splits), tile.k) * tile.k;
  // Loads from workgroup memory fall with the invocation's block, loads from memory with the workgroup's.
  const perMultiply = 1 + 2 / tile.threadM + 2 / tile.threadN + 16 / tile.m + 16 / tile.n;
  const block = tile.m * tile.n * (depth * perMultiply + 32);
  const threads = tileThreads(tile);
  const perProcessor = ceilDiv(blocks, processors);
  const busy = Math.min(1, (Math.min(perProcessor, Math.max(1, residentThreads / threads)) * threads) / busyThreads);
  const join = joined ? dispatchCost + size.elements * splits * 8 * byteCost : 0;
  return (perProcessor * block) / busy + (size.dispatches - 1) * dispatchCost + join;
}
