import { OpError } from '@initlab/core';
import { checkNumber, checkOptions, showValue } from '@initlab/core/internal';

/** A learning rate for every step (an epoch, or an iteration: the caller's choice), counted from 0. */
export type Schedule = (step: number) => number;

/** Rates and factors of them are numbers from 0. */
const checkRates = (name: string, rates: Readonly<Record<string, unknown>>): void => checkNumber(name, rates, { from: 0 });

/** A schedule that is asked for steps only. */
const asked =
  (name: string, rate: Schedule): Schedule =>
  (step) => {
    checkNumber(name, { step }, { from: 0 });
    return rate(step);
  };

function checkMilestones(name: string, milestones: readonly number[]): void {
  if (!Array.isArray(milestones)) throw new OpError(name, `milestones are a list of steps, got ${showValue(milestones)}`);
  milestones.forEach((step, i) => {
    checkNumber(name, { [`milestones[${i}]`]: step }, { from: 0 });
  });
}

/** Always baseLr. */
export function constantLr(baseLr: number): Schedule {
  checkRates('constantLr', { baseLr });
  return asked('constantLr', () => baseLr);
}

/** Half a cosine from baseLr to etaMin (default 0) at step tMax, above 0 (arXiv:1608.03983; PyTorch's `CosineAnnealingLR`). */
export function cosineLr(baseLr: number, options: { tMax: number; etaMin?: number }): Schedule {
  checkOptions('cosineLr', options, ['tMax', 'etaMin']);
  const { tMax, etaMin = 0 } = options;
  checkRates('cosineLr', { baseLr, etaMin });
  checkNumber('cosineLr', { tMax }, { above: 0 });
  return asked('cosineLr', (step) => etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * step) / tMax))) / 2);
}

/** Times gamma (default 0.1) every `stepSize` steps (PyTorch's `StepLR`). */
export function stepLr(baseLr: number, options: { stepSize: number; gamma?: number }): Schedule {
  checkOptions('stepLr', options, ['stepSize', 'gamma']);
  const { stepSize, gamma = 0.1 } = options;
  checkRates('stepLr', { baseLr, gamma });
  checkNumber('stepLr', { stepSize }, { above: 0 });
  return asked('stepLr', (step) => baseLr * gamma ** Math.floor(step / stepSize));
}

/** Times gamma (default 0.1) at each milestone, in any order (PyTorch's `MultiStepLR`). */
export function multiStepLr(baseLr: number, options: { milestones: readonly number[]; gamma?: number }): Schedule {
  checkOptions('multiStepLr', options, ['milestones', 'gamma']);
  const { milestones, gamma = 0.1 } = options;
  checkRates('multiStepLr', { baseLr, gamma });
  checkMilestones('multiStepLr', milestones);
  return asked('multiStepLr', (step) => baseLr * gamma ** milestones.filter((m) => m <= step).length);
}

/** How far a warm-up is, from 0 to 1; one of no steps is over at once. */
const progress = (step: number, steps: number): number => (step >= steps ? 1 : step / steps);

/** From startFactor·baseLr to endFactor·baseLr (default 1) in a straight line over totalSteps, then constant (PyTorch's `LinearLR`). */
export function linearLr(baseLr: number, options: { startFactor: number; endFactor?: number; totalSteps: number }): Schedule {
  checkOptions('linearLr', options, ['startFactor', 'endFactor', 'totalSteps']);
  const { startFactor, endFactor = 1, totalSteps } = options;
  checkRates('linearLr', { baseLr, startFactor, endFactor });
  checkNumber('linearLr', { totalSteps }, { from: 0 });
  return asked('linearLr', (step) => baseLr * (startFactor + (endFactor - startFactor) * progress(step, totalSteps)));
}

/** From warmupLr to baseLr with the square of the progress over `steps`, then baseLr (arXiv:1906.02341). */
export function quadraticWarmupLr(baseLr: number, options: { warmupLr: number; steps: number }): Schedule {
  checkOptions('quadraticWarmupLr', options, ['warmupLr', 'steps']);
  const { warmupLr, steps } = options;
  checkRates('quadraticWarmupLr', { baseLr, warmupLr });
  checkNumber('quadraticWarmupLr', { steps }, { from: 0 });
  return asked('quadraticWarmupLr', (step) => warmupLr + (baseLr - warmupLr) * progress(step, steps) ** 2);
}

/** One schedule after another, each counted from its own start (PyTorch's `SequentialLR`). */
export function sequentialLr(schedules: readonly Schedule[], options: { milestones: readonly number[] }): Schedule {
  checkOptions('sequentialLr', options, ['milestones']);
  const { milestones } = options;
  checkMilestones('sequentialLr', milestones);
  if (milestones.some((m, i) => i > 0 && m <= (milestones[i - 1] as number)))
    throw new OpError(
      'sequentialLr',
      `milestones ${showValue(milestones)} do not rise; give the steps where the next schedule begins in order`,
    );
  if (!Array.isArray(schedules) || schedules.some((schedule) => typeof schedule !== 'function'))
    throw new OpError('sequentialLr', `takes a list of schedules such as [linearLr(…), cosineLr(…)], got ${showValue(schedules)}`);
  if (schedules.length !== milestones.length + 1)
    throw new OpError('sequentialLr', `${milestones.length} milestones need ${milestones.length + 1} schedules, got ${schedules.length}`);
  return asked('sequentialLr', (step) => {
    const index = milestones.filter((m) => m <= step).length;
    return (schedules[index] as Schedule)(step - (index === 0 ? 0 : (milestones[index - 1] as number)));
  });
}
