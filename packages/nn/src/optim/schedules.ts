/** A learning rate for every step (an epoch, or an iteration: the caller's choice), counted from 0. */
export type Schedule = (step: number) => number;

export const constantLr =
  (baseLr: number): Schedule =>
  () =>
    baseLr;

/** Half a cosine from baseLr to etaMin at tMax (arXiv:1608.03983; PyTorch's `CosineAnnealingLR`). */
export const cosineLr =
  (baseLr: number, { tMax, etaMin = 0 }: { tMax: number; etaMin?: number }): Schedule =>
  (step) =>
    etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * step) / tMax))) / 2;

/** Times gamma every `stepSize` steps (PyTorch's `StepLR`). */
export const stepLr =
  (baseLr: number, { stepSize, gamma = 0.1 }: { stepSize: number; gamma?: number }): Schedule =>
  (step) =>
    baseLr * gamma ** Math.floor(step / stepSize);

/** Times gamma at each milestone (PyTorch's `MultiStepLR`). */
export const multiStepLr =
  (baseLr: number, { milestones, gamma = 0.1 }: { milestones: readonly number[]; gamma?: number }): Schedule =>
  (step) =>
    baseLr * gamma ** milestones.filter((m) => m <= step).length;

/** How far a warm-up is, from 0 to 1; one of no steps is over at once. */
const progress = (step: number, steps: number): number => (step >= steps ? 1 : step / steps);

/** From startFactor·baseLr to endFactor·baseLr in a straight line over totalSteps, then constant (PyTorch's `LinearLR`). */
export const linearLr =
  (baseLr: number, { startFactor, endFactor = 1, totalSteps }: { startFactor: number; endFactor?: number; totalSteps: number }): Schedule =>
  (step) =>
    baseLr * (startFactor + (endFactor - startFactor) * progress(step, totalSteps));

/** From warmupLr to baseLr with the square of the progress over `steps`, then baseLr (arXiv:1906.02341). */
export const quadraticWarmupLr =
  (baseLr: number, { warmupLr, steps }: { warmupLr: number; steps: number }): Schedule =>
  (step) =>
    warmupLr + (baseLr - warmupLr) * progress(step, steps) ** 2;

/** One schedule after another, each counted from its own start (PyTorch's `SequentialLR`). */
export const sequentialLr =
  (schedules: readonly Schedule[], { milestones }: { milestones: readonly number[] }): Schedule =>
  (step) => {
    const index = milestones.filter((m) => m <= step).length;
    const schedule = schedules[index];
    if (!schedule)
      throw new RangeError(
        `sequentialLr: ${milestones.length} milestones need ${milestones.length + 1} schedules, got ${schedules.length}`,
      );
    return schedule(step - (index === 0 ? 0 : (milestones[index - 1] as number)));
  };
