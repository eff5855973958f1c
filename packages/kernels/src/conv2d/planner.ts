import type { Plan, Target } from '../plan.js';
import { planDirect } from './direct.wgsl.js';
import type { Conv2dDirection, Conv2dProblem } from './problem.js';
import { planSoftwareGather } from './software-gather.wgsl.js';
import { planSoftwareGradWeight } from './software-grad-weight.wgsl.js';

/** Every algorithm that can do this product here, best guess first. The tuner and the tests walk through all. */
export function conv2dCandidates(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Plan[] {
  const candidates: Plan[] = [];
  const dense = problem.groups === 1 && problem.dtype === 'f32';
  if (dense && target.software) candidates.push(direction === 'gradWeight' ? planSoftwareGradWeight(problem, target) : planSoftwareGather(problem, direction, target));
  candidates.push(planDirect(problem, direction, target));
  return candidates;
}

/** The plan for one product of a convolution. */
export function planConv2d(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Plan {
  if (target.reference) return planDirect(problem, direction, target);
  const candidates = conv2dCandidates(problem, direction, target);
  const named = target.variant === undefined ? undefined : candidates.find((plan) => plan.variant === target.variant);
  return named ?? (candidates[0] as Plan);
}
