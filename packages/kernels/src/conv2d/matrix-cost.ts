import { ceilDiv } from '../kernel.js';
import type { Target } from '../plan.js';
import { octetWidth } from '../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, matrixThreads } from '../subgroup-matrix/tile.js';
import { busyThreads, byteCost, dispatchCost, mostPartialBytes, type ProductSize, processors, residentThreads, sizeOf } from './cost.js';
import type { MatrixChoice } from './matrix-gather.js';
import type { Conv2dDirection, Conv2dProblem } from './problem.js';

/*
 * The clock of cost.ts for matrix units: multiply-adds of one multiprocessor's f32 lanes. A 4096³ product at 128 × 128
 * × 32 with 64 × 64 a subgroup runs 3.8 times as fast as the best of f32 does, which is 0.4 a multiply-add.
 */
const unitCost = 0.12;
/** One element of an operand from workgroup memory into a fragment, and from memory into workgroup memory. */
const fragmentCost = 5;
const elementCost = 8;
/** One result: through workgroup memory and out. */
const leaveCost = 48;

/** The best number of parts for a tile, and what the product then costs. */
export function matrixCost(
  problem: Conv2dProblem,
  direction: Conv2dDirection,
  { shape, target }: { shape: MatrixShape; target: Target },
): { choice: MatrixChoice; cost: number } {
  const size = sizeOf(problem, direction);
  const [inner, outer] = [octetWidth(problem.inChannels), octetWidth(problem.outChannels)];
  // Operands that come in single elements take an instruction each, whole vectors an eighth of one.
  const slowness = { a: 8 / (direction === 'gradInput' ? outer : inner), b: direction === 'gradWeight' ? 8 / outer : 1 };
  const limit = Math.min(mostPartialBytes, target.maxStorageBinding) / (size.elements * 4);
  const joined = direction === 'gradWeight';
  let best = { choice: { ...shape, splits: 1 }, cost: splitCost(size, shape, { splits: 1, joined, slowness }) };
  for (let splits = 2; splits <= Math.min(limit, 512, size.depth / (2 * shape.tile.k)); splits *= 2) {
    const cost = splitCost(size, shape, { splits, joined: true, slowness });
    if (cost < best.cost) best = { choice: { ...shape, splits }, cost };
  }
  return best;
}

interface Parts {
  readonly splits: number;
  readonly joined: boolean;
  readonly slowness: { readonly a: number; readonly b: number };
}

function splitCost(size: ProductSize, shape: MatrixShape, { splits, joined, slowness }: Parts): number {
  const { tile, split } = shape;
  const blocks = ceilDiv(size.rows, tile.m) * ceilDiv(size.columns, tile.n) * size.products * splits;
  const depth = ceilDiv(ceilDiv(size.depth, splits), tile.k) * tile.k;
  const multiply = (split ? 3 : 1) * unitCost + (split ? 2 : 1) * fragmentCost * (1 / tile.subgroupM + 1 / tile.subgroupN);
  const carry = (split ? 2 : 1) * elementCost * (slowness.a / tile.n + slowness.b / tile.m) * (tile.prefetch ? 0.9 : 1);
  const block = tile.m * tile.n * (depth * (multiply + carry) + leaveCost);
  const threads = matrixThreads(shape);
  const perProcessor = ceilDiv(blocks, processors);
  const busy = Math.min(1, (Math.min(perProcessor, Math.max(1, residentThreads / threads)) * threads) / busyThreads);
  const join = joined ? dispatchCost + size.elements * splits * 8 * byteCost : 0;
  return (perProcessor * block) / busy + (size.dispatches - 1) * dispatchCost + join;
}
