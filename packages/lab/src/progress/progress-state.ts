import { RateMeter } from './rate-meter.js';
import { showDuration } from './show-duration.js';
import { type StepProgress, type TrainingPlan, TrainingProgress } from './training-progress.js';

/** What a progress display knows of all trainings together, and of each that runs now. */
export class ProgressState {
  /** Those that run now, in the order they began. */
  readonly running = new Set<TrainingProgress>();
  private readonly steps = new RateMeter();
  /** Steps of the trainings that are not at their end, those they made already included. */
  private open: number;
  /** `3 of 12 cells`, `7 of 24 runs`; none where there is but one training. */
  counts: readonly string[] = [];

  /** `totalSteps`: of all trainings. */
  constructor(private readonly totalSteps: number) {
    this.open = totalSteps;
  }

  begin(plan: TrainingPlan, now: number): TrainingProgress {
    const training = new TrainingProgress(plan, now);
    this.running.add(training);
    this.steps.add(0, now);
    return training;
  }

  step(training: TrainingProgress, progress: StepProgress, now: number): void {
    if (training.step(progress, now)) this.steps.skip(now);
    else this.steps.add(progress.steps ?? 1, now);
  }

  settle({ counts, openSteps }: { counts: readonly string[]; openSteps: number }): void {
    this.counts = counts;
    this.open = openSteps;
  }

  private get left(): number {
    let left = this.open;
    for (const { done } of this.running) left -= done;
    return Math.max(0, left);
  }
  /** Share of all steps that is done, 0…1. */
  get fraction(): number {
    return this.totalSteps > 0 ? Math.min(1, Math.max(0, 1 - this.left / this.totalSteps)) : 1;
  }
  /** `1 m 20 s left`, or nothing while that is unknown. */
  describeLeft(): string {
    const rate = this.steps.perSecond();
    return rate ? `${showDuration(this.left / rate)} left` : '';
  }
}
