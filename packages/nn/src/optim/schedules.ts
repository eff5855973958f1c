import { checkOptions } from '@initlab/core';
import { checkFinite } from '../check-numbers.js';

/** A learning rate for every step (an epoch, or an iteration: the caller's choice), counted from 0. */
export type Schedule = (step: number) => number;

/** Always baseLr. */
export function constantLr(baseLr: number): Schedule {
  checkFinite('constantLr', { baseLr });
  return () => baseLr;
}

/** Half a cosine from baseLr to etaMin (default 0) at tMax (arXiv:1608.03983; PyTorch's `CosineAnnealingLR`). */
export function cosineLr(baseLr: number, options: { tMax: number; etaMin?: number }): Schedule {
  checkOptions<typeof options>('cosineLr', options, ['tMax', 'etaMin']);
  const { tMax, etaMin = 0 } = options;
  checkFinite('cosineLr', { baseLr, tMax, etaMin });
  return (step) => etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * step) / tMax))) / 2;
}

/** Times gamma (default 0.1) every `stepSize` steps (PyTorch's `StepLR`). */
export function stepLr(baseLr: number, options: { stepSize: number; gamma?: number }): Schedule {
  checkOptions<typeof options>('stepLr', options, ['stepSize', 'gamma']);
  const { stepSize, gamma = 0.1 } = options;
  checkFinite('stepLr', { baseLr, stepSize, gamma });
  return (step) => baseLr * gamma ** Math.floor(step / stepSize);
}

/** Times gamma (default 0.1) at each milestone (PyTorch's `MultiStepLR`). */
export function multiStepLr(baseLr: number, options: { milestones: readonly number[]; gamma?: number }): Schedule {
  checkOptions<typeof options>('multiStepLr', options, ['milestones', 'gamma']);
  const { milestones, gamma = 0.1 } = options;
  checkFinite('multiStepLr', { baseLr, gamma });
  return (step) => baseLr * gamma ** milestones.filter((m) => m <= step).length;
}

/** How far a warm-up is, from 0 to 1; one of no steps is over at once. */
const progress = (step: number, steps: number): number => (step >= steps ? 1 : step / steps);

/** From startFactor·baseLr to endFactor·baseLr (default 1) in a straight line over totalSteps, then constant (PyTorch's `LinearLR`). */
export function linearLr(baseLr: number, options: { startFactor: number; endFactor?: number; totalSteps: number }): Schedule {
  checkOptions<typeof options>('linearLr', options, ['startFactor', 'endFactor', 'totalSteps']);
  const { startFactor, endFactor = 1, totalSteps } = options;
  checkFinite('linearLr', { baseLr, startFactor, endFactor, totalSteps });
  return (step) => baseLr * (startFactor + (endFactor - startFactor) * progress(step, totalSteps));
}

/** From warmupLr to baseLr with the square of the progress over `steps`, then baseLr (arXiv:1906.02341). */
export function quadraticWarmupLr(baseLr: number, options: { warmupLr: number; steps: number }): Schedule {
  checkOptions<typeof options>('quadraticWarmupLr', options, ['warmupLr', 'steps']);
  const { warmupLr, steps } = options;
  checkFinite('quadraticWarmupLr', { baseLr, warmupLr, steps });
  return (step) => warmupLr + (baseLr - warmupLr) * progress(step, steps) ** 2;
}

/** One schedule after another, each counted from its own start (PyTorch's `SequentialLR`). */
export function sequentialLr(schedules: readonly Schedule[], options: { milestones: readonly number[] }): Schedule {
  checkOptions<typeof options>('sequentialLr', options, ['milestones']);
  const { milestones } = options;
  if (schedules.length !== milestones.length + 1)
    throw new RangeError(`sequentialLr: ${milestones.length} milestones need ${milestones.length + 1} schedules, got ${schedules.length}`);
  return (step) => {
    const index = milestones.filter((m) => m <= step).length;
    return (schedules[index] as Schedule)(step - (index === 0 ? 0 : (milestones[index - 1] as number)));
  };
}
