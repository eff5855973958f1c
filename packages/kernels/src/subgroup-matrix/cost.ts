import { ceilDiv } from '../kernel.js';
import { busyThreads, byteCost, dispatchCost, type ProductSize, processors, residentThreads } from '../product-cost.js';
import { type MatrixShape, matrixThreads } from './tile.js';

/*
 * The clock of product-cost.ts for matrix units: multiply-adds of one multiprocessor's f32 lanes. A 4096³ product at 128
 * × 128 × 32 with 64 × 64 a subgroup runs 3.8 times as fast as the best of f32 does, which is 0.4 a multiply-add.
 */
const unitCost = 0.12;
/** One element of an operand from workgroup memory into a fragment, and from memory into workgroup memory. */
const fragmentCost = 5;
const elementCost = 8;
/** One result: through workgroup memory and out. */
const leaveCost = 48;

export interface MatrixCostOptions {
  /** The parts are added by a second dispatch even where there is only one. */
  readonly joined: boolean;
  /** There must be one part. */
  readonly whole?: boolean;
  /** What loading an element of A and of B takes, in units of an element that comes with seven neighbours. */
  readonly slowness: { readonly a: number; readonly b: number };
  /** Bytes that parts may take. */
  readonly mostPartialBytes: number;
}

/** The best number of parts the depth is cut into, and what the product then costs. */
export function matrixCost(size: ProductSize, shape: MatrixShape, options: MatrixCostOptions): { splits: number; cost: number } {
  const limit = options.mostPartialBytes / (size.elements * 4);
  let best = { splits: 1, cost: splitCost(size, shape, { ...options, splits: 1 }) };
  if (options.whole) return best;
  for (let splits = 2; splits <= Math.min(limit, 512, size.depth / (2 * shape.tile.k)); splits *= 2) {
    const cost = splitCost(size, shape, { ...options, joined: true, splits });
    if (cost < best.cost) best = { splits, cost };
  }
  return best;
}

function splitCost(size: ProductSize, shape: MatrixShape, { splits, joined, slowness }: MatrixCostOptions & { splits: number }): number {
  const { tile, split } = shape;
  const blocks = ceilDiv(size.rows, tile.m) * ceilDiv(size.columns, tile.n) * size.products * splits;
  const depth = ceilDiv(ceilDiv(size.depth, splits), tile.k) * tile.k;
  const planes = split ? 2 : 1;
  const multiply = (split ? 3 : 1) * unitCost + planes * fragmentCost * (1 / tile.subgroupM + 1 / tile.subgroupN);
  const carry = planes * elementCost * (slowness.a / tile.n + slowness.b / tile.m) * (tile.prefetch ? 0.9 : 1);
  const block = tile.m * tile.n * (depth * (multiply + carry) + leaveCost);
  const threads = matrixThreads(shape);
  const perProcessor = ceilDiv(blocks, processors);
  const busy = Math.min(1, (Math.min(perProcessor, Math.max(1, residentThreads / threads)) * threads) / busyThreads);
  const join = joined ? dispatchCost + size.elements * splits * 8 * byteCost : 0;
  return (perProcessor * block) / busy + (size.dispatches - 1) * dispatchCost + join;
}
