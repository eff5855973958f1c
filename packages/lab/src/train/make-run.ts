import { createHash } from 'node:crypto';
import { type Device, InitlabError } from '@initlab/core';
import { batchCount, epochOrder } from '@initlab/data';
import type { Progress } from '../progress/index.js';
import { type MetricsRecord, RunError, type RunFolder } from '../run/index.js';
import { decodeTraining, encodeTraining } from './checkpoint.js';
import type { ProbeRecord } from './probe-record.js';
import { type Position, positionMetadata, positionOf } from './run-position.js';
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

/** A half-done run was made with kernels that add in another order: it cannot go on with the same bits here. */
export class OtherKernelsError extends RunError {
  override name = 'OtherKernelsError';
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

const keys = { kernels: 'initlab.kernels', adapter: 'initlab.adapter' };

/** A checkpoint kept in memory: where to start from when a loss has to be explained. */
interface Snapshot extends Position {
  readonly bytes: Uint8Array;
}

/**
 * Trains all epochs from where the run's checkpoint stands. A checkpoint is written after every epoch, every minute and
 * when `signal` stops the run, so whatever moment it ends at, it goes on bit for bit. Answers whether it is complete.
 * Throws DivergedError when the loss is no longer finite, RunError when a resumed run cannot give the same bits here.
 */
export async function makeRun(options: MakeRunOptions): Promise<boolean> {
  const { training, config, run, progress, signal } = options;
  const stepsPerEpoch = batchCount(training.train.count, { batchSize: config.batchSize });
  const state = { ...training, extra: training.trainer.state };
  const kernels = createHash('sha256')
    .update(JSON.stringify(await training.trainer.variants()))
    .digest('hex');
  const adapter = options.device.caps.adapter;
  const encode = (at: Position, metadata: Readonly<Record<string, string>>): Promise<Uint8Array> =>
    encodeTraining(state, {
      ...metadata,
      ...positionMetadata(at),
      [keys.kernels]: kernels,
      [keys.adapter]: adapter,
    });
  let snapshot: Snapshot;
  const save = async (at: Position): Promise<void> => {
    await run.saveCheckpoint(async (metadata) => {
      const bytes = await encode(at, metadata);
      snapshot = { ...at, bytes };
      return bytes;
    });
    saved = performance.now();
  };
  let saved = performance.now();
  if (run.checkpoint) {
    const metadata = decodeTraining(run.checkpoint.bytes, state);
    if (metadata[keys.kernels] !== kernels)
      throw new OtherKernelsError(
        run.folder,
        `was made on ${metadata[keys.adapter]} with other kernels than ${adapter} takes here, which add in another order: it cannot go on with the same bits. Resume it there, or start a new run.`,
      );
    snapshot = { bytes: run.checkpoint.bytes, ...positionOf(run, { training, stepsPerEpoch, metadata }) };
  } else snapshot = { bytes: await encode({ epoch: 1, step: 0 }, {}), epoch: 1, step: 0 };

  const limit = config.maxSteps ?? config.epochs * stepsPerEpoch;
  const doneSteps = (snapshot.epoch - 1) * stepsPerEpoch + snapshot.step;
  const name = options.name ?? `${config.arch} ${config.init} ${config.norm}`;
  using shown = progress.begin({ name, epochs: config.epochs, stepsPerEpoch, steps: limit, doneSteps });
  let left = limit - doneSteps;
  // An epoch stopped after its last step is not evaluated and logged yet.
  for (let { epoch, step: startStep } = snapshot; epoch <= config.epochs && left + startStep > 0; epoch++, startStep = 0) {
    const started = performance.now();
    const before = (epoch - 1) * stepsPerEpoch;
    const beforeStep = (step: number): void => {
      training.optimizer.lr = training.schedule(epoch - 1 + step / stepsPerEpoch);
    };
    const order = epochOrder(training.train.count, { seed: config.seed, epoch });
    let score: Score & { steps: number };
    try {
      score = await training.trainer.trainEpoch(order, {
        signal,
        startStep,
        maxSteps: left,
        beforeStep,
        probeDue: (step) => config.probe !== null && (before + step) % config.probe === 0,
        onProbe: ({ step, layers }) => {
          const record: ProbeRecord = { step: before + step, epoch, layers };
          run.logProbe(record);
          options.onProbe?.(record);
        },
        onStep: ({ step, loss, images }) => shown.step({ epoch, step, images, loss }),
        saveDue: () => performance.now() - saved > (options.saveEverySeconds ?? 60) * 1e3,
        save: (step) => save({ epoch, step }),
        stopOnNonFinite: true,
      });
    } catch (error) {
      if (!(error instanceof NonFiniteLossError)) throw error;
      progress.log(`${name}: the loss of epoch ${epoch}, step ${error.step} is ${error.loss}; looking for the op that made it…`);
      decodeTraining(snapshot.bytes, state);
      const op = await training.trainer.explainNonFinite(order, { startStep: snapshot.step, step: error.step, beforeStep });
      throw new DivergedError(epoch, error.step, op, error.loss);
    }
    left -= score.steps;
    if (signal?.aborted) {
      await save({ epoch, step: startStep + score.steps });
      return false;
    }
    const tested = await training.trainer.evaluate(training.test);
    const validated = training.validation && (await training.trainer.evaluate(training.validation));
    const record: EpochRecord = {
      epoch,
      steps: startStep + score.steps,
      trainLoss: score.loss,
      trainAccuracy: score.accuracy,
      testLoss: tested.loss,
      testAccuracy: tested.accuracy,
      validationLoss: validated?.loss ?? null,
      validationAccuracy: validated?.accuracy ?? null,
      lrUsed: training.schedule(epoch - 1 + Math.max(0, startStep + score.steps - 1) / stepsPerEpoch),
      lrNext: training.schedule(epoch),
      seconds: (performance.now() - started) / 1e3,
    };
    run.logMetrics(record);
    await save({ epoch: epoch + 1, step: 0 });
    options.onEpoch(record);
  }
  return true;
}
