import { RateMeter } from './rate-meter.js';
import { showDuration } from './show-duration.js';

/** One training among those that are shown: a strategy with a seed. */
export interface TrainingPlan {
  /** `kaiming`, `kaiming, seed 1`. */
  readonly name: string;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Steps done before, when a run is resumed. Default 0. */
  readonly doneSteps?: number;
}

/** A step that was just made. */
export interface StepProgress {
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly step: number;
  /** Images in the batches since the last call. */
  readonly images: number;
  /** Steps since the last call. Default 1. */
  readonly steps?: number;
  /** The newest loss known; it may lag behind, since reading it back costs time. */
  readonly loss?: number;
}

/** What a progress display knows: where the training stands, how fast it goes, how long it will take. */
export class TrainingState {
  private readonly images = new RateMeter();
  private readonly steps = new RateMeter();
  private latest: StepProgress = { epoch: 1, step: 0, images: 0 };
  private lastLoss: number | undefined;
  private first = true;
  private plan: TrainingPlan = { name: '', epochs: 0, stepsPerEpoch: 0 };
  /** Steps made of all trainings. */
  done = 0;

  /** `totalSteps`: of all trainings. */
  constructor(readonly totalSteps: number) {}

  begin(plan: TrainingPlan, now: number): void {
    const doneSteps = plan.doneSteps ?? 0;
    this.plan = plan;
    this.done += doneSteps;
    this.lastLoss = undefined;
    this.latest = {
      epoch: Math.floor(doneSteps / Math.max(1, plan.stepsPerEpoch)) + 1,
      step: doneSteps % Math.max(1, plan.stepsPerEpoch),
      images: 0,
    };
    this.first = true;
    this.images.add(0, now);
    this.steps.add(0, now);
  }

  step(progress: StepProgress, now: number): void {
    const steps = progress.steps ?? 1;
    this.latest = progress;
    this.done += steps;
    this.lastLoss = progress.loss ?? this.lastLoss;
    if (this.first) {
      // Most of it was compilation.
      this.images.skip(now);
      this.steps.skip(now);
    } else {
      this.images.add(progress.images, now);
      this.steps.add(steps, now);
    }
    this.first = false;
  }

  /** `kaiming`. */
  get name(): string {
    return this.plan.name;
  }
  /** Share of the current training that is done, 0…1. */
  get fraction(): number {
    const all = this.plan.epochs * this.plan.stepsPerEpoch;
    return all > 0 ? Math.min(1, ((this.latest.epoch - 1) * this.plan.stepsPerEpoch + this.latest.step) / all) : 0;
  }
  /** Seconds until all trainings are done; undefined while unknown. */
  get secondsLeft(): number | undefined {
    const rate = this.steps.perSecond();
    return rate ? Math.max(0, this.totalSteps - this.done) / rate : undefined;
  }

  /** `epoch 3/8  step 420/938  loss 0.3120  12,340 images/s`. */
  describe(): string {
    const { epoch, step } = this.latest;
    const speed = this.images.perSecond();
    return [
      `epoch ${epoch}/${this.plan.epochs}`,
      `step ${String(step).padStart(String(this.plan.stepsPerEpoch).length)}/${this.plan.stepsPerEpoch}`,
      ...(this.lastLoss === undefined ? [] : [`loss ${showLoss(this.lastLoss)}`]),
      ...(speed ? [`${Math.round(speed).toLocaleString('en-US')} images/s`] : []),
    ].join('  ');
  }

  /** `1 m 20 s left`, or nothing while that is unknown. */
  describeLeft(): string {
    const left = this.secondsLeft;
    return left === undefined ? '' : `${showDuration(left)} left`;
  }
}

/** Four figures whatever the size: `0.3120`, `72.50`, `1.23e+7`. */
function showLoss(loss: number): string {
  if (!Number.isFinite(loss)) return String(loss);
  if (Math.abs(loss) >= 1e5) return loss.toExponential(2);
  return loss.toFixed(Math.abs(loss) < 10 ? 4 : 2);
}
