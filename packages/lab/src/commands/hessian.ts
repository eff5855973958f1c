import { type Device, Generator } from '@initlab/core';
import { batchCount, batchesOf, epochOrder, sequentialOrder } from '@initlab/data';
import { HessianProduct, lanczos, powerIteration } from '../hessian/index.js';
import { refuseIdleSettings } from '../train/idle-settings.js';
import { type TrainConfig, type TrainSettings, trainConfig } from '../train/train-config.js';
import { loadSetup } from '../train/train-setup.js';
import { Training } from '../train/training.js';
import { openTunedDevice } from '../tune/index.js';

export interface HessianOptions extends Partial<TrainSettings> {
  /** As arXiv:1906.02341's program has it, in place of Lanczos' method. */
  readonly paper?: boolean;
  /** How many of the largest eigenvalues; default 1. */
  readonly top?: number;
  /** Products at most; default 40 with `paper`, else 100. */
  readonly iterations?: number;
  readonly dataDir?: string;
  readonly download?: boolean;
  readonly json?: boolean;
}

interface Spectrum {
  readonly method: 'power iteration' | 'lanczos';
  /** Largest first. */
  readonly eigenvalues: readonly number[];
  readonly smallest?: number;
  readonly iterations: number;
  readonly converged?: boolean;
  /** Of each product, by power iteration. */
  readonly estimates?: readonly number[];
}

/** `initlab hessian`: the largest eigenvalues of the training loss's Hessian at initialisation. Returns the exit status. */
export async function hessianCommand(options: HessianOptions): Promise<number> {
  const { paper = false, top = 1, iterations = paper ? 40 : 100, dataDir, download, json = false, ...settings } = options;
  const flags = Object.keys(settings);
  const config = trainConfig(settings, { origin: 'hessian', flags });
  refuseIdleSettings(config, { origin: 'hessian', flags });
  const { dataset, initializer, norm } = await loadSetup(config, { dataDir, download });
  const device: Device = await openTunedDevice();
  const training = await Training.create({ config, dataset, device, initializer, norm });
  const { labelSmoothing, batchSize, seed } = config;
  const product = new HessianProduct({ model: training.model, images: training.train, device, labelSmoothing, augment: paper });
  const tell = (iteration: number, value: number): void =>
    void process.stderr.write(`product ${iteration} of at most ${iterations}: ${value.toPrecision(5)}\n`);
  const generator = new Generator(seed);
  const start = Float64Array.from({ length: product.size }, () => generator.normal());
  const found = paper
    ? await asInPaper(product, { config, count: training.train.count, start, iterations, tell })
    : await properly(product, {
        batches: [...batchesOf(sequentialOrder(training.train.count), { batchSize })],
        start,
        iterations,
        top,
        tell,
      });
  const { adapter } = device.caps;
  product.dispose();
  training.dispose();
  device.close();
  if (json) process.stdout.write(`${JSON.stringify({ ...found, parameters: start.length, config, adapter })}\n`);
  else process.stdout.write(describe(found, { config, parameters: start.length }));
  return found.eigenvalues.every(Number.isFinite) ? 0 : 1;
}

type Tell = (iteration: number, value: number) => void;

/** The first tenth of each epoch's shuffled, augmented batches, an epoch a product. */
async function asInPaper(
  product: HessianProduct,
  { config, count, start, iterations, tell }: { config: TrainConfig; count: number; start: Float64Array; iterations: number; tell: Tell },
): Promise<Spectrum> {
  const { seed, batchSize } = config;
  const tenth = Math.max(1, Math.floor(batchCount(count, { batchSize }) / 10));
  const batches = (epoch: number): Int32Array[] => [...batchesOf(epochOrder(count, { seed, epoch }), { batchSize })].slice(0, tenth);
  const times = (v: Float64Array, iteration: number) => product.times(v, batches(iteration));
  const estimates = await powerIteration(times, { start, iterations, onIteration: tell });
  return { method: 'power iteration', eigenvalues: estimates.slice(-1), iterations: estimates.length, estimates };
}

/** Over all training images as they are. */
async function properly(
  product: HessianProduct,
  { batches, start, iterations, top, tell }: { batches: Int32Array[]; start: Float64Array; iterations: number; top: number; tell: Tell },
): Promise<Spectrum> {
  const times = (v: Float64Array) => product.times(v, batches);
  const { largest, ...rest } = await lanczos(times, { start, iterations, top, onIteration: tell });
  return { method: 'lanczos', eigenvalues: largest, ...rest };
}

function describe(found: Spectrum, { config, parameters }: { config: TrainConfig; parameters: number }): string {
  const { arch, init, norm, dataset } = config;
  const how =
    found.method === 'lanczos'
      ? `Lanczos, ${found.iterations} products${found.converged ? '' : ', not yet steady: more --iterations'}`
      : `power iteration as in arXiv:1906.02341, ${found.iterations} products`;
  const values = found.eigenvalues.map((value) => value.toPrecision(5)).join(', ');
  const smallest = found.smallest === undefined ? '' : `smallest  ${found.smallest.toPrecision(5)}\n`;
  return `${arch}, ${init}, norm ${norm}, ${dataset}: Hessian of ${parameters} parameters at initialisation (${how})\nlargest   ${values}\n${smallest}`;
}
