import { type Device, InitlabError } from '@initlab/core';
import { batchCount, epochOrder } from '@initlab/data';
import type { Progress, ShownTraining } from '../progress/index.js';
import type { MetricsRecord, RunFolder } from '../run/index.js';
import type { ProbeRecord } from './probe-record.js';
import { Checkpoints } from './run-checkpoints.js';
import type { TrainConfig } from './train-config.js';
import { NonFiniteLossError, type Score } from './trainer-options.js';
import type { Training } from './training.js';

/** One line of metrics.jsonl. */
export interface EpochRecord extends MetricsRecord {
  readonly epoch: number;
  readonly steps: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Of training images that were kept back; null where none were. */
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
  /** Learning rate of the epoch's last step; within an epoch it changes only in warm-up. */
  readonly lrUsed: number;
  /** Of the epoch to come: after the schedule's step, which is what the benchmark logs as `lr`. */
  readonly lrNext: number;
  readonly seconds: number;
}

/** The loss stopped being finite. The message names the epoch, the step and the op. */
export class DivergedError extends InitlabError {
  override name = 'DivergedError';
  constructor(
    readonly epoch: number,
    readonly step: number,
    /** Which op made the first value that is not finite, in words. */
    readonly op: string,
    loss: number,
  ) {
    super(`epoch ${epoch}, step ${step}: the loss is ${loss}; ${op}`);
  }
}

export interface MakeRunOptions {
  readonly training: Training;
  readonly config: TrainConfig;
  readonly device: Device;
  readonly run: RunFolder;
  readonly progress: Progress;
  /** What the display calls it. Default its net, initialisation and norm. */
  readonly name?: string;
  readonly signal?: AbortSignal | undefined;
  readonly onEpoch: (record: EpochRecord) => void;
  /** Called with each look inside the net, when the log has it. */
  readonly onProbe?: ((record: ProbeRecord) => void) | undefined;
  /** Seconds between checkpoints within an epoch. Default 60. */
  readonly saveEverySeconds?: number;
}

/**
 * Trains all epochs from where the run's checkpoint stands. A checkpoint is written after every epoch, every minute and
 * when `signal` stops the run, so whatever moment it ends at, it goes on bit for bit. Answers whether it is complete.
 * Throws DivergedError when the loss is no longer finite, RunError when a resumed run cannot give the same bits here.
 */
export async function makeRun(options: MakeRunOptions): Promise<boolean> {
  const { training, config, run, progress, signal } = options;
  const stepsPerEpoch = batchCount(training.train.count, { batchSize: config.batchSize });
  const checkpoints = await Checkpoints.open({ ...options, stepsPerEpoch });
  const limit = config.maxSteps ?? config.epochs * stepsPerEpoch;
  const { epoch: first, step: firstStep } = checkpoints.position;
  const doneSteps = (first - 1) * stepsPerEpoch + firstStep;
  const name = options.name ?? `${config.arch} ${config.init} ${config.norm}`;
  using shown = progress.begin({ name, epochs: config.epochs, stepsPerEpoch, steps: limit, doneSteps });
  const context = { ...options, name, stepsPerEpoch, checkpoints, shown };
  let left = limit - doneSteps;
  // An epoch stopped after its last step is not evaluated and logged yet.
  for (let [epoch, startStep] = [first, firstStep]; epoch <= config.epochs && left + startStep > 0; epoch++, startStep = 0) {
    const started = performance.now();
    const score = await trainEpoch(context, { epoch, startStep, maxSteps: left });
    left -= score.steps;
    const steps = startStep + score.steps;
    if (signal?.aborted) {
      await checkpoints.save({ epoch, step: steps });
      return false;
    }
    const record = await epochRecord(training, { epoch, stepsPerEpoch, steps, score, started });
    run.logMetrics(record);
    await checkpoints.save({ epoch: epoch + 1, step: 0 });
    options.onEpoch(record);
  }
  return true;
}

interface EpochContext extends MakeRunOptions {
  readonly name: string;
  readonly stepsPerEpoch: number;
  readonly checkpoints: Checkpoints;
  readonly shown: ShownTraining;
}

/** Trains what is left of an epoch, `maxSteps` at most. */
async function trainEpoch(
  context: EpochContext,
  { epoch, startStep, maxSteps }: { epoch: number; startStep: number; maxSteps: number },
): Promise<Score & { steps: number }> {
  const { training, config, run, signal, progress, name, stepsPerEpoch, checkpoints, shown } = context;
  const before = (epoch - 1) * stepsPerEpoch;
  const beforeStep = (step: number): void => {
    training.optimizer.lr = training.schedule(epoch - 1 + step / stepsPerEpoch);
  };
  const order = epochOrder(training.train.count, { seed: config.seed, epoch });
  try {
    return await training.trainer.trainEpoch(order, {
      signal,
      startStep,
      maxSteps,
      beforeStep,
      probeDue: (step) => config.probe !== null && (before + step) % config.probe === 0,
      onProbe: ({ step, layers }) => {
        const record: ProbeRecord = { step: before + step, epoch, layers };
        run.logProbe(record);
        context.onProbe?.(record);
      },
      onStep: ({ step, loss, images }) => shown.step({ epoch, step, images, loss }),
      saveDue: () => checkpoints.age > (context.saveEverySeconds ?? 60),
      save: (step) => checkpoints.save({ epoch, step }),
      stopOnNonFinite: true,
    });
  } catch (error) {
    if (!(error instanceof NonFiniteLossError)) throw error;
    progress.log(`${name}: the loss of epoch ${epoch}, step ${error.step} is ${error.loss}; looking for the op that made it…`);
    checkpoints.restore();
    const op = await training.trainer.explainNonFinite(order, { startStep: checkpoints.position.step, step: error.step, beforeStep });
    throw new DivergedError(epoch, error.step, op, error.loss);
  }
}

interface Trained {
  readonly epoch: number;
  readonly stepsPerEpoch: number;
  readonly steps: number;
  readonly score: Score;
  /** By the clock of `performance.now`. */
  readonly started: number;
}

/** What an epoch came to: the net is evaluated. */
async function epochRecord(training: Training, { epoch, stepsPerEpoch, steps, score, started }: Trained): Promise<EpochRecord> {
  const tested = await training.trainer.evaluate(training.test);
  const validated = training.validation && (await training.trainer.evaluate(training.validation));
  return {
    epoch,
    steps,
    trainLoss: score.loss,
    trainAccuracy: score.accuracy,
    testLoss: tested.loss,
    testAccuracy: tested.accuracy,
    validationLoss: validated?.loss ?? null,
    validationAccuracy: validated?.accuracy ?? null,
    lrUsed: training.schedule(epoch - 1 + Math.max(0, steps - 1) / stepsPerEpoch),
    lrNext: training.schedule(epoch),
    seconds: (performance.now() - started) / 1e3,
  };
}
