import { type Device, Generator } from '@initlab/core';
import { batchCount, datasetNames, epochOrder, type ImageDataset, ResidentDataset } from '@initlab/data';
import { createModel } from '@initlab/models';
import { Adam, findInitializer, modelDepth } from '@initlab/nn';
import { z } from 'zod';
import type { Progress } from '../progress/index.js';
import type { RunFolder } from '../run/index.js';
import { decodeTraining, encodeTraining } from '../train/checkpoint.js';
import { Trainer } from '../train/trainer.js';
import type { CnnInitStrategy } from './reference.js';

export const cnnInitStrategies: readonly CnnInitStrategy[] = ['default', 'zero', 'random', 'xavier', 'kaiming'];
/** The exercise's kaiming counts inputs; the registry's `kaiming` is init-design's, which counts outputs. */
const initializerOf = (strategy: string): string => (strategy === 'kaiming' ? 'kaiming-fan-in' : strategy);

const count = z.number().int().positive();

/** What decides the numbers of a `cnn-init` table; stored as the run's config.json. */
export const cnnInitConfigSchema = z.strictObject({
  experiment: z.literal('cnn-init'),
  dataset: z.enum(datasetNames),
  trainImages: count,
  testImages: count,
  strategies: z.array(z.string()).readonly(),
  seeds: z.array(z.number().int().min(0)).readonly(),
  epochs: count,
  batchSize: count,
  lr: z.number().positive(),
  /** Steps of a whole training at most; `null`: no limit. */
  maxSteps: count.nullable(),
});
export type CnnInitConfig = Readonly<z.infer<typeof cnnInitConfigSchema>>;

/** One line of metrics.jsonl: an epoch of one training. */
export interface CnnInitEpoch {
  readonly strategy: string;
  readonly seed: number;
  readonly epoch: number;
  readonly steps: number;
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
  /** Mean loss of the last 50 steps. */
  readonly lastLoss: number;
  readonly seconds: number;
}

export interface CnnInitOptions {
  readonly config: CnnInitConfig;
  readonly dataset: ImageDataset;
  readonly device: Device;
  readonly run: RunFolder;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** Steps of all trainings. */
export const cnnInitSteps = (c: CnnInitConfig): number => c.strategies.length * c.seeds.length * stepsPerTraining(c);
const stepsPerTraining = (c: CnnInitConfig): number =>
  Math.min(c.epochs * batchCount(c.trainImages, c), c.maxSteps ?? Number.POSITIVE_INFINITY);

/**
 * Trains simple-cnn from every strategy with every seed: Adam, no augmentation, (x / 255 − 0.5) / 0.5. Every epoch is a
 * line of the run's metrics and a checkpoint, so a run that was stopped goes on bit for bit. Returns false when `signal`
 * ended it early.
 */
export async function runCnnInit({ config, dataset, device, run, progress, signal }: CnnInitOptions): Promise<boolean> {
  const view = { size: 32, channels: 3, mean: [0.5], std: [0.5], device };
  const train = new ResidentDataset(dataset, dataset.train, view);
  const test = new ResidentDataset(dataset, dataset.test, view);
  const done = run.metrics() as unknown as CnnInitEpoch[];
  try {
    for (const seed of config.seeds)
      for (const strategy of config.strategies) {
        const before = done.filter((line) => line.strategy === strategy && line.seed === seed);
        const finished = await trainOne({ config, device, run, progress, signal, train, test, strategy, seed, before });
        if (!finished) return false;
      }
    return true;
  } finally {
    train.dispose();
    test.dispose();
  }
}

interface OneTraining extends Omit<CnnInitOptions, 'dataset'> {
  readonly train: ResidentDataset;
  readonly test: ResidentDataset;
  readonly strategy: string;
  readonly seed: number;
  /** Epochs of this training that an earlier process finished. */
  readonly before: readonly CnnInitEpoch[];
}

async function trainOne({ config, device, run, progress, signal, train, test, strategy, seed, before }: OneTraining): Promise<boolean> {
  const stepsPerEpoch = batchCount(train.count, config);
  let steps = before.reduce((sum, line) => sum + line.steps, 0);
  const limit = stepsPerTraining(config);
  progress.begin({
    name: config.seeds.length > 1 ? `${strategy}, seed ${seed}` : strategy,
    epochs: config.epochs,
    stepsPerEpoch,
    doneSteps: steps,
  });
  if (steps >= limit) return true;

  const generator = new Generator(seed);
  const model = createModel('simple-cnn', { numClasses: 10, device, generator });
  await findInitializer(initializerOf(strategy)).initialize(model, {
    arch: 'simple-cnn',
    numClasses: 10,
    depth: modelDepth(model),
    generator,
  });
  const optimizer = new Adam(model.parameters(), { lr: config.lr });
  if (before.length > 0 && run.checkpoint) decodeTraining(run.checkpoint.bytes, { model, optimizer, train });
  const trainer = new Trainer({ model, optimizer, train, batchSize: config.batchSize, evalBatchSize: 500, device });
  try {
    for (let epoch = before.length + 1; epoch <= config.epochs && steps < limit; epoch++) {
      const started = performance.now();
      const recent: number[] = [];
      const order = epochOrder(train.count, { seed, epoch });
      const score = await trainer.trainEpoch(order, {
        signal,
        maxSteps: limit - steps,
        onStep: ({ step, loss, images }) => {
          recent.push(loss);
          if (recent.length > 50) recent.shift();
          progress.step({ epoch, step, images, loss });
        },
      });
      if (signal?.aborted) return false;
      steps += score.steps;
      const tested = await trainer.evaluate(test);
      const line: CnnInitEpoch = {
        strategy,
        seed,
        epoch,
        steps: score.steps,
        trainLoss: score.loss,
        trainAccuracy: score.accuracy,
        testLoss: tested.loss,
        testAccuracy: tested.accuracy,
        lastLoss: recent.reduce((a, b) => a + b, 0) / Math.max(1, recent.length),
        seconds: (performance.now() - started) / 1e3,
      };
      run.logMetrics({ ...line });
      await run.saveCheckpoint((metadata) => encodeTraining({ model, optimizer, train }, metadata));
      const of = config.seeds.length > 1 ? ` seed ${seed}` : '';
      progress.log(
        `${strategy.padEnd(8)}${of} epoch ${epoch}/${config.epochs}  loss ${line.trainLoss.toFixed(4)}  test accuracy ${line.testAccuracy.toFixed(2)} %  ${line.seconds.toFixed(1)} s`,
      );
    }
    return true;
  } finally {
    trainer.dispose();
    optimizer.dispose();
    model.dispose();
  }
}
