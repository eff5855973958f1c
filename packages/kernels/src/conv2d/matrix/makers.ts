import type { Target } from '../../plan.js';
import { mostSplitsOf } from '../../product-cost.js';
import { matrixCost } from '../../subgroup-matrix/cost.js';
import { octetWidth } from '../../subgroup-matrix/product.wgsl.js';
import { matrixThreads, matrixTileFits, matrixTiles } from '../../subgroup-matrix/tile.js';
import { matrixUnit } from '../../subgroup-matrix/unit.js';
import { gemmTakes } from '../shared/axis-phase.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import type { Epilogue } from '../shared/epilogue.js';
import type { Conv2dDirection, Conv2dProblem } from '../shared/problem.js';
import { sizeOf } from '../shared/product-size.js';
import { planMatrixGather } from './gather.js';
import { planMatrixGradWeight } from './grad-weight.wgsl.js';

/** Bytes a gather keeps beside its operands: where each row starts. */
const rowBytes = 8;
/** And an invocation's share of an epilogue's sums. */
const shareBytes = 48;

/**
 * Makers of the plans on matrix units, with what they cost: dense convolutions of f16, or of f32 where the target lets
 * operands be split in halves.
 */
export function matrixMakers(
  problem: Conv2dProblem,
  direction: Conv2dDirection,
  { target, epilogue }: { target: Target; epilogue?: Epilogue | undefined },
): { cost: number; make: () => Conv2dPlan }[] {
  const unit = matrixUnit(target);
  const split = problem.dtype === 'f32';
  if (!unit || (split && target.splitF32 !== true) || problem.groups > 1 || !gemmTakes(problem, direction)) return [];
  const size = sizeOf(problem, direction);
  const [inner, outer] = [8 / octetWidth(problem.inChannels), 8 / octetWidth(problem.outChannels)];
  const gradWeight = direction === 'gradWeight';
  const options = {
    joined: gradWeight,
    // Results that leave in parts never meet an epilogue.
    mostSplits: epilogue === undefined ? mostSplitsOf(size, target) : 1,
    slowness: { a: direction === 'gradInput' ? outer : inner, b: gradWeight ? outer : 1 },
  };
  return matrixTiles
    .map((tile) => ({ tile, unit, split }))
    .filter((shape) => matrixTileFits(shape, target, shape.tile.m * rowBytes + (epilogue?.sums ? matrixThreads(shape) * shareBytes : 0)))
    .map((shape) => {
      const { splits, cost } = matrixCost(size, shape, options);
      const choice = { ...shape, splits };
      return {
        cost,
        make: () =>
          direction === 'gradWeight'
            ? planMatrixGradWeight(problem, choice, target)
            : planMatrixGather(problem, direction, { choice, target, epilogue }),
      };
    });
}
