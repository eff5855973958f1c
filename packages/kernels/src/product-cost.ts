import { ceilDiv } from './kernel.js';
import type { Target } from './plan.js';

/*
 * A rough clock of a large GPU, in multiply-adds of one multiprocessor; it ranks candidates and chooses splits. The
 * tuner measures. Adapters do not tell how many multiprocessors they have: with fewer, tiles only come in more waves.
 */
export const processors = 132;
/** Invocations that keep a multiprocessor's lanes busy, and what of it one can hold. */
export const busyThreads = 256;
const residentThreads = 512;
/** Multiply-adds lost to one more dispatch (2 µs), and to one byte through memory. */
export const dispatchCost = 430_000;
export const byteCost = 0.08;
/** Of all parts of a product together, and how many there are of an element. */
const mostPartialBytes = 64 * 2 ** 20;
const mostParts = 512;

export interface ProductSize {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Independent products of this size: groups and phases. */
  readonly products: number;
  /** Elements of the whole result. */
  readonly elements: number;
  readonly dispatches: number;
}

/** How a kernel does a product: the tile of a workgroup, and what that takes for so deep a sum. */
interface Blocks {
  readonly tile: { readonly m: number; readonly n: number; readonly k: number };
  readonly threads: number;
  readonly block: (depth: number) => number;
}

export interface CutOptions {
  /** Parts are added by a second dispatch even where there is only one. */
  readonly joined: boolean;
  readonly mostSplits: number;
}

/** Parts that the depth of a product may be cut into, by the memory they take. */
export const mostSplitsOf = ({ elements }: ProductSize, { maxStorageBinding }: Target): number =>
  Math.min(mostParts, Math.min(mostPartialBytes, maxStorageBinding) / (elements * 4));

/** The best number of parts that the depth is cut into, and what the product then costs. */
export function cheapestCut(size: ProductSize, blocks: Blocks, { joined, mostSplits }: CutOptions): { splits: number; cost: number } {
  let best = { splits: 1, cost: cutCost(size, blocks, { joined, splits: 1 }) };
  for (let splits = 2; splits <= Math.min(mostSplits, size.depth / (2 * blocks.tile.k)); splits *= 2) {
    const cost = cutCost(size, blocks, { joined: true, splits });
    if (cost < best.cost) best = { splits, cost };
  }
  return best;
}

function cutCost(size: ProductSize, { tile, threads, block }: Blocks, { joined, splits }: { joined: boolean; splits: number }): number {
  const count = ceilDiv(size.rows, tile.m) * ceilDiv(size.columns, tile.n) * size.products * splits;
  const depth = ceilDiv(ceilDiv(size.depth, splits), tile.k) * tile.k;
  const perProcessor = ceilDiv(count, processors);
  const busy = Math.min(1, (Math.min(perProcessor, Math.max(1, residentThreads / threads)) * threads) / busyThreads);
  const join = joined ? dispatchCost + size.elements * splits * 8 * byteCost : 0;
  return (perProcessor * block(depth)) / busy + (size.dispatches - 1) * dispatchCost + join;
}
