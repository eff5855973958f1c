import { RateMeter } from './rate-meter.js';

/** One training among those that are shown: a strategy with a seed. */
export interface TrainingPlan {
  /** `kaiming`, `kaiming, seed 1`. */
  readonly name: string;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Steps it will have when it is complete. Default those of all epochs. */
  readonly steps?: number;
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

/** What a progress display knows of one training: where it stands, and how fast it goes. */
export class TrainingProgress {
  private readonly images = new RateMeter();
  private latest: Pick<StepProgress, 'epoch' | 'step'>;
  private lastLoss: number | undefined;
  private first = true;
  /** Steps made. */
  done: number;

  constructor(
    private readonly plan: TrainingPlan,
    now: number,
  ) {
    this.done = plan.doneSteps ?? 0;
    const perEpoch = Math.max(1, plan.stepsPerEpoch);
    this.latest = { epoch: Math.floor(this.done / perEpoch) + 1, step: this.done % perEpoch };
    this.images.add(0, now);
  }

  /** Answers whether it was the first, most of which was compilation: it tells no pace. */
  step(progress: StepProgress, now: number): boolean {
    const { first } = this;
    this.latest = progress;
    this.done += progress.steps ?? 1;
    this.lastLoss = progress.loss ?? this.lastLoss;
    if (first) this.images.skip(now);
    else this.images.add(progress.images, now);
    this.first = false;
    return first;
  }

  /** `kaiming`. */
  get name(): string {
    return this.plan.name;
  }
  /** Share that is done, 0…1. */
  get fraction(): number {
    const all = this.plan.steps ?? this.plan.epochs * this.plan.stepsPerEpoch;
    return all > 0 ? Math.min(1, this.done / all) : 0;
  }

  /** `epoch 3/8`, `step 420/938`, `loss 0.3120`, `12,340 images/s`; what is not known is empty. */
  describe(): { epoch: string; step: string; loss: string; speed: string } {
    const { epoch, step } = this.latest;
    const { epochs, stepsPerEpoch } = this.plan;
    const speed = this.images.perSecond();
    return {
      epoch: `epoch ${epoch}/${epochs}`,
      step: `step ${String(step).padStart(String(stepsPerEpoch).length)}/${stepsPerEpoch}`,
      loss: this.lastLoss === undefined ? '' : `loss ${showLoss(this.lastLoss)}`,
      speed: speed ? `${Math.round(speed).toLocaleString('en-US')} images/s` : '',
    };
  }
}

/** Four figures whatever the size: `0.3120`, `72.50`, `1.23e+7`. */
function showLoss(loss: number): string {
  if (!Number.isFinite(loss)) return String(loss);
  if (Math.abs(loss) >= 1e5) return loss.toExponential(2);
  return loss.toFixed(Math.abs(loss) < 10 ? 4 : 2);
}
