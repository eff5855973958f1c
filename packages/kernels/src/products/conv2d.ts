import { directKernelCost, epilogueSaves, windowCost } from '../conv2d/cost.js';
import { depthwisePairs, depthwiseTakesEpilogue, isDepthwise, planDepthwise } from '../conv2d/depthwise/depthwise.js';
import { planDepthwiseGradWeight } from '../conv2d/depthwise/grad-weight.wgsl.js';
import { planDirect } from '../conv2d/direct/direct.wgsl.js';
import { planGatherGemm } from '../conv2d/gemm/gather.js';
import { tileFits } from '../conv2d/gemm/gather.wgsl.js';
import { planGradWeightGemm } from '../conv2d/gemm/grad-weight.wgsl.js';
import { gemmTakes } from '../conv2d/shared/axis-phase.js';
import type { Conv2dPlan } from '../conv2d/shared/conv2d-plan.js';
import { type Epilogue, epilogueBindings, epilogueText } from '../conv2d/shared/epilogue.js';
import {
  type Conv2dDirection,
  type Conv2dProblem,
  conv2dFlops,
  conv2dKey,
  type ImageDirection,
  imagesOf,
} from '../conv2d/shared/problem.js';
import { sizeOf } from '../conv2d/shared/product-size.js';
import { planWindow, windowTakes } from '../conv2d/window/window.js';
import { gemmChoices } from '../gemm/cost.js';
import type { Target } from '../plan.js';
import { mostSplitsOf } from '../product-cost.js';
import { type Choice, solve, type Tunable } from '../tunable.js';
import { adapterPlanners } from './adapter-kernels.js';

/** One product of a convolution as a problem to choose a kernel for. */
export const conv2dTunable = (problem: Conv2dProblem, direction: Conv2dDirection): Tunable<Conv2dPlan> => ({
  key: conv2dKey(problem, direction),
  flops: conv2dFlops(problem),
  candidates: (target) => ranked(problem, direction, target),
  reference: (target) => planDirect(problem, direction, target),
});

/** Every algorithm that can do this product here, best guess first. */
export const conv2dCandidates = (problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Conv2dPlan[] =>
  ranked(problem, direction, target).map((make) => make());

/** The plan for one product of a convolution. */
export const planConv2d = (problem: Conv2dProblem, direction: Conv2dDirection, target: Target): Conv2dPlan =>
  solve(conv2dTunable(problem, direction), target);

/**
 * Whether a product goes on with an epilogue here. A CPU driver's kernels are bound by arithmetic, so that there is little
 * to gain. Where a product is better cut into parts, that must be worth less than the passes over memory that an epilogue
 * saves.
 */
export function conv2dTakesEpilogue(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { target, epilogue }: { target: Target; epilogue: Epilogue },
): boolean {
  if (target.software || target.reference === true) return false;
  // Source, filters, bias and result beside the epilogue's own.
  if (epilogueBindings(problem, epilogue).length + (problem.bias ? 4 : 3) > target.maxStorageBuffers) return false;
  if (isDepthwise(problem)) return depthwiseTakesEpilogue(problem, direction);
  if (imagesOf(problem, direction).outer % 4 !== 0) return false;
  // A norm is told how many rows a part has; each phase of a strided input gradient ends in a part of its own length.
  if (epilogue.sums === 'moments' && direction === 'gradInput' && problem.stride.some((step) => step > 1)) return false;
  const [whole] = withEpilogue(problem, direction, { target, epilogue });
  const [free] = withEpilogue(problem, direction, { target });
  return whole !== undefined && free !== undefined && whole.cost <= free.cost + epilogueSaves(problem, direction);
}

/**
 * A product that goes on with an epilogue, where `conv2dTakesEpilogue`. The tuner's part is made by `tunableOf`: an app that tunes
 * nothing has none of it in its bundle.
 */
export interface EpilogueChoice extends Choice<Conv2dPlan> {
  readonly problem: Conv2dProblem;
  readonly direction: ImageDirection;
  readonly epilogue: Epilogue;
}
export const conv2dEpilogueChoice = (problem: Conv2dProblem, direction: ImageDirection, epilogue: Epilogue): EpilogueChoice => ({
  problem,
  direction,
  epilogue,
  key: `${conv2dKey(problem, direction)} ${epilogueText(epilogue)}`,
  flops: conv2dFlops(problem),
  candidates: (target) => withEpilogue(problem, direction, { target, epilogue }).map((d) => d.make),
});

/** Candidates that keep results on their way out where an epilogue can take them, best guess first. */
function withEpilogue(problem: Conv2dProblem, direction: Conv2dDirection, on: GoesOn): Candidate[] {
  if (isDepthwise(problem) && direction !== 'gradWeight')
    return depthwisePairs.map((pairs, cost) => ({ cost, make: () => planDepthwise(problem, direction, { ...on, pairs }) }));
  const matrix = adapterPlanners(on.target)?.matrixMakers(problem, direction, on) ?? [];
  return [...matrix, ...gemms(problem, direction, on), ...windows(problem, direction, on)].sort((a, b) => a.cost - b.cost);
}

/** Makers of the candidates' plans: choosing the first makes no other. */
function ranked(problem: Conv2dProblem, direction: Conv2dDirection, target: Target): (() => Conv2dPlan)[] {
  const dense = gemms(problem, direction, { target });
  const direct = { cost: directKernelCost(problem, direction), make: () => planDirect(problem, direction, target) };
  const forCpu = target.software ? adapterPlanners(target) : undefined;
  const plan = forCpu?.planSoftwareConv2d(problem, direction, target);
  const software = plan ? [() => plan] : [];
  if (isDepthwise(problem)) {
    if (direction === 'gradWeight') return [() => planDepthwiseGradWeight(problem, target), direct.make];
    return [...software, () => planDepthwise(problem, direction, { target }), direct.make];
  }
  // Workgroup memory and barriers are slow on a CPU.
  if (forCpu) return [...software, direct.make, ...dense.map((d) => d.make)];
  return [...withEpilogue(problem, direction, { target }), direct].sort((a, b) => a.cost - b.cost).map((d) => d.make);
}

/** The window kernel, where it takes the problem. */
function windows(problem: Conv2dProblem, direction: Conv2dDirection, { target, epilogue }: GoesOn): Candidate[] {
  if (direction === 'gradWeight' || !windowTakes(problem, direction, target)) return [];
  return [{ cost: windowCost(problem, direction), make: () => planWindow(problem, direction, { target, epilogue }) }];
}

/** Where a product runs, and what it goes on with. */
interface GoesOn {
  readonly target: Target;
  readonly epilogue?: Epilogue | undefined;
}

interface Candidate {
  readonly cost: number;
  readonly make: () => Conv2dPlan;
}

function gemms(problem: Conv2dProblem, direction: Conv2dDirection, { target, epilogue }: GoesOn): Candidate[] {
  if (!gemmTakes(problem, direction)) return [];
  const size = sizeOf(problem, direction);
  // Results that leave in parts never meet an epilogue.
  const cut = { joined: direction === 'gradWeight', mostSplits: epilogue === undefined ? mostSplitsOf(size, target) : 1 };
  return gemmChoices(size, cut, (tile) => tileFits(tile, target)).map((choice) => ({
    cost: choice.cost,
    make: () =>
      direction === 'gradWeight'
        ? planGradWeightGemm(problem, choice, target)
        : planGatherGemm(problem, direction, { choice, target, epilogue }),
  }));
}
