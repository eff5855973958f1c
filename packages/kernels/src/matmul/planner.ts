import type { Plan, Target } from '../plan.js';
import { planDirectMatmul } from './direct.wgsl.js';
import type { MatmulProblem } from './problem.js';
import { planSoftwareMatmul } from './software.wgsl.js';
import { matmulTiles, planTiledMatmul } from './tiled.wgsl.js';

/** Every algorithm that can do this product here, best guess first. */
export function matmulCandidates(problem: MatmulProblem, target: Target): Plan[] {
  const { m, n } = problem;
  const candidates: Plan[] = [];
  if (target.software && problem.dtype === 'f32') candidates.push(planSoftwareMatmul(problem, target));
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

/** The plan of a matrix product. */
export function planMatmul(problem: MatmulProblem, target: Target): Plan {
  if (target.reference) return planDirectMatmul(problem, target);
  const candidates = matmulCandidates(problem, target);
  const named = target.variant === undefined ? undefined : candidates.find((plan) => plan.variant === target.variant);
  return named ?? (candidates[0] as Plan);
}
