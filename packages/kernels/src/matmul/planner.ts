import type { Plan, Target } from '../plan.js';
import { solve, type Tunable } from '../tunable.js';
import { planDirectMatmul } from './direct.wgsl.js';
import { matrixMatmuls } from './matrix.wgsl.js';
import { type MatmulProblem, matmulKey } from './shared/problem.js';
import { planSoftwareMatmul } from './software/product.wgsl.js';
import { matmulTiles, planTiledMatmul } from './tiled.wgsl.js';

/** Every algorithm that can do this product here, best guess first. */
export function matmulCandidates(problem: MatmulProblem, target: Target): Plan[] {
  const { m, n } = problem;
  const candidates: Plan[] = [];
  if (target.software && problem.dtype === 'f32') candidates.push(planSoftwareMatmul(problem, target));
  // Matrix units outrun the others by so much that only they compete with each other.
  if (!target.software) candidates.push(...matrixMatmuls(problem, target));
  const usable = matmulTiles.filter(
    (t) => (t.m + t.n) * t.k * 4 <= target.maxWorkgroupStorage && (t.m / t.threadM) * (t.n / t.threadN) <= target.maxInvocations,
  );
  // The largest tile that still gives every core something to do.
  const ranked = [...usable].sort((a, b) => waste(m, n, a) - waste(m, n, b));
  for (const tile of ranked) candidates.push(planTiledMatmul(problem, tile, target));
  // One million tiles in a row are more workgroups than a dispatch may have along an axis; only the direct kernel folds them.
  const fitting = candidates.filter((plan) => plan.dispatches.every((d) => Math.max(...d.workgroups) <= target.maxWorkgroups));
  return [...fitting, planDirectMatmul(problem, target)];
}

/** Rough cost of a tile: the padded work, times a penalty for too few workgroups and for little reuse. */
function waste(m: number, n: number, t: { m: number; n: number }): number {
  const groups = Math.ceil(m / t.m) * Math.ceil(n / t.n);
  const padded = groups * t.m * t.n;
  const idle = Math.max(1, 132 / groups);
  return padded * Math.sqrt(idle) * (1 + 32 / t.m + 32 / t.n);
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
