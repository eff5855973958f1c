import type { Target } from '../../plan.js';
import { mostSplitsOf } from '../../product-cost.js';
import { matrixChoices } from '../../subgroup-matrix/cost.js';
import { octetWidth } from '../../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, matrixThreads } from '../../subgroup-matrix/tile.js';
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

/** Makers of the plans on matrix units, with what they cost: dense convolutions. */
export function matrixMakers(
  problem: Conv2dProblem,
  direction: Conv2dDirection,
  { target, epilogue }: { target: Target; epilogue?: Epilogue | undefined },
): { cost: number; make: () => Conv2dPlan }[] {
  if (problem.groups > 1 || !gemmTakes(problem, direction)) return [];
  const size = sizeOf(problem, direction);
  const [inner, outer] = [8 / octetWidth(problem.inChannels), 8 / octetWidth(problem.outChannels)];
  const gradWeight = direction === 'gradWeight';
  const options = {
    dtype: problem.dtype,
    extra: (shape: MatrixShape) => shape.tile.m * rowBytes + (epilogue?.sums ? matrixThreads(shape) * shareBytes : 0),
    joined: gradWeight,
    // Results that leave in parts never meet an epilogue.
    mostSplits: epilogue === undefined ? mostSplitsOf(size, target) : 1,
    slowness: { a: direction === 'gradInput' ? outer : inner, b: gradWeight ? outer : 1 },
  };
  return matrixChoices(size, options, target).map(({ shape, splits, cost }) => {
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
