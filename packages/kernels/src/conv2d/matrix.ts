import type { Plan, Target } from '../plan.js';
import { matrixTileFits, matrixTiles } from '../subgroup-matrix/tile.js';
import { matrixUnit } from '../subgroup-matrix/unit.js';
import { gemmTakes } from './gemm-phase.js';
import { matrixCost } from './matrix-cost.js';
import { planMatrixGather } from './matrix-gather.js';
import { planMatrixGradWeight } from './matrix-grad-weight.wgsl.js';
import type { Conv2dDirection, Conv2dProblem } from './problem.js';

/** Bytes a gather keeps beside its operands: where each row starts. */
const rowBytes = 8;

/**
 * Makers of the plans on matrix units, with what they cost: dense convolutions of f16, or of f32 where the target lets
 * operands be split in halves.
 */
export function matrixMakers(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): { cost: number; make: () => Plan }[] {
  const unit = matrixUnit(target);
  const split = problem.dtype === 'f32';
  if (!unit || (split && target.splitF32 !== true) || problem.groups > 1 || !gemmTakes(problem, direction)) return [];
  return matrixTiles
    .map((tile) => ({ tile, unit, split }))
    .filter((shape) => matrixTileFits(shape, target, shape.tile.m * rowBytes))
    .map((shape) => matrixCost(problem, direction, { shape, target }))
    .map(({ choice, cost }) => ({
      cost,
      make: () =>
        direction === 'gradWeight' ? planMatrixGradWeight(problem, choice, target) : planMatrixGather(problem, direction, choice, target),
    }));
}
