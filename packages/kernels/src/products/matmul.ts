import { gemmChoices } from '../gemm/cost.js';
import { ceilDiv } from '../kernel.js';
import { planDirectMatmul } from '../matmul/direct.wgsl.js';
import { type MatmulProblem, matmulKey, matmulSize } from '../matmul/shared/problem.js';
import { matmulTileBytes, planTiledMatmul } from '../matmul/tiled.wgsl.js';
import type { Plan, Target } from '../plan.js';
import { mostSplitsOf } from '../product-cost.js';
import { type Tile, tileThreads } from '../tile-rules.js';
import { solve, type Tunable } from '../tunable.js';
import { adapterPlanners } from './adapter-kernels.js';

/** Parts of a sum on f32 units at most, since one invocation adds an element's, and how deep they are at least: a short sum is done sooner than joined. */
const mostSplits = 16;
const leastDepth = 256;
/**
 * Blocks of 64 × 64 of the result in all parts together, about two for each multiprocessor of a large GPU. The clock alone would cut
 * products further that keep those busy as they are, and a cut is a dispatch more and the bytes of partial sums. So limited, products of the
 * golden list's steps take no more of either on an H100 than before the clock chose their cuts.
 */
const mostBlocks = 256;

/** Every algorithm that can do this product here, best guess first. */
export function matmulCandidates(problem: MatmulProblem, target: Target): Plan[] {
  const candidates: Plan[] = [];
  const own = adapterPlanners(target);
  if (own && target.software && problem.dtype === 'f32') {
    const plan = own.planSoftwareMatmul(problem, target);
    // Its blocks lie along one axis of the dispatch, which an operand of a million places outgrows.
    if (plan.dispatches.every((d) => Math.max(...d.workgroups) <= target.maxWorkgroups)) candidates.push(plan);
  }
  // Matrix units outrun the others by so much that only they compete with each other.
  if (own && !target.software) candidates.push(...own.matrixMatmuls(problem, target));
  const size = matmulSize(problem);
  const blocks = ceilDiv(size.rows, 64) * ceilDiv(size.columns, 64) * size.products;
  const parts = Math.min(mostSplits, mostSplitsOf(size, target), problem.k / leastDepth, mostBlocks / blocks);
  const cut = { joined: false, mostSplits: parts };
  const fits = (tile: Tile): boolean => matmulTileBytes(tile) <= target.maxWorkgroupStorage && tileThreads(tile) <= target.maxInvocations;
  const tiled = gemmChoices(size, cut, fits);
  return [...candidates, ...tiled.map((choice) => planTiledMatmul(problem, choice, target)), planDirectMatmul(problem, target)];
}

/** A matrix product as a problem to choose a kernel for. */
export const matmulTunable = (problem: MatmulProblem): Tunable => ({
  key: matmulKey(problem),
  flops: 2 * problem.m * problem.n * problem.k,
  candidates: (target) => matmulCandidates(problem, target).map((plan) => () => plan),
  reference: (target) => planDirectMatmul(problem, target),
});

/** The plan of a matrix product. */
export const planMatmul = (problem: MatmulProblem, target: Target): Plan => solve(matmulTunable(problem), target);
