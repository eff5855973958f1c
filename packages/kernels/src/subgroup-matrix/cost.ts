import type { Target } from '../plan.js';
import { type CutOptions, cheapestCut, type ProductSize } from '../product-cost.js';
import { type MatrixShape, matrixThreads, matrixTileFits, matrixTiles } from './tile.js';
import { matrixUnit } from './unit.js';

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

interface MatrixCostOptions extends CutOptions {
  /** What loading an element of A and of B takes, in units of an element that comes with seven neighbours. */
  readonly slowness: { readonly a: number; readonly b: number };
}

/**
 * Shapes that a product of this type can take here, each with the best number of parts of its depth, and what it then costs; the cheapest
 * first. Of f16, or of f32 where the target lets operands be split in halves; `extra` is workgroup memory beside the operands, in bytes.
 */
export function matrixChoices(
  size: ProductSize,
  { dtype, extra = () => 0, ...options }: MatrixCostOptions & { dtype: 'f32' | 'f16'; extra?: (shape: MatrixShape) => number },
  target: Target,
): { shape: MatrixShape; splits: number; cost: number }[] {
  const unit = matrixUnit(target);
  const split = dtype === 'f32';
  if (!unit || (split && target.splitF32 !== true)) return [];
  return matrixTiles
    .map((tile) => ({ tile, unit, split }))
    .filter((shape) => matrixTileFits(shape, target, extra(shape)))
    .map((shape) => ({ shape, ...matrixCost(size, shape, options) }))
    .sort((a, b) => a.cost - b.cost);
}

function matrixCost(size: ProductSize, shape: MatrixShape, { slowness, ...cut }: MatrixCostOptions): { splits: number; cost: number } {
  const { tile, split } = shape;
  const planes = split ? 2 : 1;
  const multiply = (split ? 3 : 1) * unitCost + planes * fragmentCost * (1 / tile.subgroupM + 1 / tile.subgroupN);
  const carry = planes * elementCost * (slowness.a / tile.n + slowness.b / tile.m) * (tile.prefetch ? 0.9 : 1);
  const block = (depth: number): number => tile.m * tile.n * (depth * (multiply + carry) + leaveCost);
  return cheapestCut(size, { tile, threads: matrixThreads(shape), block }, cut);
}
