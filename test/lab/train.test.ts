import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Device, flatten, openDevice, relu, type Tensor } from '@initlab/core';
import { type ImageDataset, limitDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { RunFolder, readRun } from '@initlab/lab';
import { type ModelOptions, registerModel } from '@initlab/models';
import { Conv2d, Dropout, Linear, MaxPool2d, Module, normFactory, parseSafetensors, serializeSafetensors } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainMetrics } from '../../packages/lab/src/commands/train.js';
import { chooseInitializer } from '../../packages/lab/src/plugins/index.js';
import { DivergedError, type EpochRecord, makeRun } from '../../packages/lab/src/train/make-run.js';
import type { ProbeRecord } from '../../packages/lab/src/train/probe-record.js';
import { type TrainConfig, type TrainSettings, trainConfig } from '../../packages/lab/src/train/train-config.js';
import { Training } from '../../packages/lab/src/train/training.js';
import { silentProgress } from '../support/silent-progress.js';
import { temporaryFolder } from './fixtures.js';

/** Everything a checkpoint must bring back, in a small net: parameters, running statistics, dropout. */
class Tiny extends Module {
  conv: Conv2d;
  bn: Module;
  pool = new MaxPool2d(8);
  dropout: Dropout;
  fc: Linear;
  constructor({ device, generator, norm = 'batch' }: ModelOptions) {
    super();
    this.conv = new Conv2d(3, 8, { kernelSize: 3, padding: 1, device, generator });
    this.bn = normFactory(norm)(8, { device });
    this.dropout = new Dropout(0.3, generator ? { generator } : {});
    this.fc = new Linear(8 * 16, 10, { device, generator });
  }
  override forward(x: Tensor): Tensor {
    const h = this.pool.forward(relu(this.bn.forward(this.conv.forward(x))));
    return this.fc.forward(this.dropout.forward(flatten(h)));
  }
}
registerModel({ name: 'tiny', description: '', source: '', create: (name, options) => (name === 'tiny' ? new Tiny(options) : undefined) });

const settings: TrainSettings = { arch: 'tiny', dataset: 'fashion-mnist-sample', epochs: 2, batchSize: 16, lr: 0.05, cutout: 8, limit: 72 };
let device: Device;
const folder = temporaryFolder();
let dataset: ImageDataset;
beforeAll(async () => {
  device = await openDevice();
  dataset = limitDataset(await loadDataset('fashion-mnist-sample'), { train: 72, test: 40 });
});
afterAll(() => device.close());

const configOf = (more: TrainSettings = {}): TrainConfig => trainConfig({ ...settings, ...more }, { origin: 'test' });
const startRun = (name: string, config: TrainConfig): Promise<RunFolder> =>
  RunFolder.create({ config: { experiment: 'train', ...config }, name, folder: path.join(folder, name) });
const resumeRun = (name: string): Promise<RunFolder> => RunFolder.resume(path.join(folder, name));

/** Train from where the run stands; with `stopAfter`, until that many steps came back. */
async function go(run: RunFolder, config: TrainConfig, { stopAfter }: { stopAfter?: number } = {}): Promise<boolean> {
  const training = await Training.create({
    config,
    dataset,
    device,
    initializer: await chooseInitializer(config.init),
    norm: { name: config.norm, factory: normFactory(config.norm) },
  });
  const stop = new AbortController();
  let steps = 0;
  const progress = silentProgress(() => {
    steps++;
    if (steps === stopAfter) stop.abort();
  });
  try {
    return await makeRun({ training, config, device, run, progress, signal: stop.signal, onEpoch: () => undefined });
  } finally {
    training.dispose();
  }
}

/** Everything but the seconds, which no two runs share. */
const metricsOf = (run: RunFolder): object[] => run.metrics().map(({ seconds: _, ...rest }) => rest);
const stateOf = async (name: string): Promise<Uint8Array> => {
  const bytes = new Uint8Array(await readFile(path.join(folder, name, 'checkpoint.safetensors')));
  // Past the header, which holds the length of the metrics: seconds have more or fewer digits.
  return bytes.slice(8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
};

describe('train', () => {
  // Weights, moments, running statistics, dropout, augmentation; in mixed precision the loss scale too, and there images are changed and mixed.
  it.each<['f32' | 'mixed', TrainSettings]>([
    ['f32', {}],
    ['mixed', { mixup: 0.4, cutmix: 1, randAugment: 9, colorJitter: [0.4] }],
  ])(
    'a run stopped inside an epoch goes on bit for bit, %s',
    async (precision, mixing) => {
      const config = configOf({ precision, ...mixing });
      const names = { whole: `whole-${precision}`, stopped: `stopped-${precision}` };
      const whole = await startRun(names.whole, config);
      expect(await go(whole, config)).toBe(true);
      expect(whole.metrics().map((r) => r.steps)).toEqual([5, 5]);

      const stopped = await startRun(names.stopped, config);
      expect(await go(stopped, config, { stopAfter: 2 })).toBe(false);
      stopped.close();
      let again = await resumeRun(names.stopped);
      expect(await go(again, config, { stopAfter: 2 })).toBe(false);
      again.close();
      again = await resumeRun(names.stopped);
      expect(await go(again, config)).toBe(true);
      expect(metricsOf(again)).toEqual(metricsOf(whole));
      expect(Buffer.compare(await stateOf(names.stopped), await stateOf(names.whole))).toBe(0);
    },
    300_000,
  );

  // The bits of training without, and the same probes, however often it is stopped.
  it.each(['f32', 'mixed'] as const)(
    'looking inside changes no bit, %s',
    async (precision) => {
      const [plain, looking] = [configOf({ precision }), configOf({ precision, probe: 3 })];
      const names = { plain: `plain-${precision}`, whole: `looking-${precision}`, stopped: `looking-stopped-${precision}` };
      const without = await startRun(names.plain, plain);
      expect(await go(without, plain)).toBe(true);
      const whole = await startRun(names.whole, looking);
      expect(await go(whole, looking)).toBe(true);
      const stopped = await startRun(names.stopped, looking);
      expect(await go(stopped, looking, { stopAfter: 1 })).toBe(false);
      stopped.close();
      // Before and after a step with a look.
      for (const stopAfter of [1, 1, undefined]) {
        const again = await resumeRun(names.stopped);
        await go(again, looking, stopAfter === undefined ? {} : { stopAfter });
        again.close();
      }
      for (const name of [names.whole, names.stopped])
        expect(Buffer.compare(await stateOf(name), await stateOf(names.plain)), name).toBe(0);
      expect(metricsOf(whole)).toEqual(metricsOf(without));
      expect(metricsOf(await resumeRun(names.stopped))).toEqual(metricsOf(without));

      const probes = (await whole.probes()) as unknown as ProbeRecord[];
      expect(probes.map(({ step, epoch }) => [step, epoch])).toEqual([
        [0, 1],
        [3, 1],
        [6, 2],
        [9, 2],
      ]);
      for (const { layers } of probes) {
        expect(layers.map(({ name, activation }) => [name, activation])).toEqual([
          ['conv', 'relu'],
          ['fc', null],
        ]);
        for (const { deviation, gradientNorm, weightNorm } of layers)
          for (const size of [deviation, gradientNorm, weightNorm]) expect(size).toBeGreaterThan(0);
      }
      expect(await without.probes()).toEqual([]);
      expect((await readRun(path.join(folder, names.stopped), { probes: true })).probes).toEqual(probes);
    },
    300_000,
  );

  it('a position that log, optimiser or augmentation contradict is refused, though all seals are right', async () => {
    const config = configOf();
    const first = await startRun('forged', config);
    expect(await go(first, config, { stopAfter: 2 })).toBe(false);
    first.close();
    for (const [key, value, message] of [
      ['initlab.epoch', '2', /stands in epoch 2, but 0 epochs were logged/],
      ['initlab.stepOfEpoch', '1', /after 1 steps, of which its optimiser made [2-5]/],
      ['initlab.stepOfEpoch', '9', /epoch 1, step 9 of 5/],
      ['initlab.epoch', 'one', /epoch one/],
    ] as const) {
      const run = await resumeRun('forged');
      const file = parseSafetensors(run.checkpoint?.bytes ?? new Uint8Array());
      const tensors = new Map(
        [...file.tensors].map(([name, { shape, data }]) => {
          const counted = data instanceof Float64Array ? BigInt64Array.from(data, BigInt) : (data as Float32Array);
          return [name, { shape, data: counted }];
        }),
      );
      const right = file.metadata[key] as string;
      const save = (as: string): Promise<void> =>
        run.saveCheckpoint((ties) => serializeSafetensors(tensors, { ...file.metadata, ...ties, [key]: as }));
      await save(value);
      run.close();
      const forged = await resumeRun('forged');
      await expect(go(forged, config)).rejects.toThrow(message);
      await forged.saveCheckpoint((ties) => serializeSafetensors(tensors, { ...file.metadata, ...ties, [key]: right }));
      forged.close();
    }
    const run = await resumeRun('forged');
    expect(await go(run, config)).toBe(true);
  }, 300_000);

  it('learns', async () => {
    const config = configOf({ epochs: 8, augment: false, cutout: 0, lr: 0.1, labelSmoothing: 0.1, nesterov: true });
    const run = await startRun('learns', config);
    await go(run, config);
    const losses = run.metrics().map((r) => Number(r.trainLoss));
    expect(losses.at(-1)).toBeLessThan(0.75 * (losses[0] as number));
  }, 300_000);

  it('a loss that is not finite ends it with the epoch, the step and the op', async () => {
    const config = configOf({ lr: 1e25, momentum: 0, schedule: 'constant', probe: 1 });
    const run = await startRun('diverges', config);
    const error = await go(run, config).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(DivergedError);
    expect((error as DivergedError).epoch).toBe(1);
    expect((error as DivergedError).message).toMatch(
      /^epoch 1, step [2-5]: the loss is (NaN|Infinity); the first value that is not finite is (NaN|-?Infinity), made by \w+ \(\[/,
    );
    // Of the steps up to the one that failed, its own too: that is where one looks for what went wrong.
    const steps = (await run.probes()).map(({ step }) => step);
    expect(steps).toEqual(Array.from({ length: (error as DivergedError).step }, (_, step) => step));
  }, 300_000);

  it('writes the benchmark’s log line', () => {
    const record = {
      epoch: 160,
      trainLoss: 0.35971,
      trainAccuracy: 88.7,
      testLoss: 1.27881,
      testAccuracy: 67.66,
      lrUsed: 0.0097986,
      lrNext: 0.0095491,
    } as EpochRecord;
    expect(trainMetrics(record)).toBe(
      'TRAIN_METRICS: epoch=160 train_loss=0.3597 train_acc=88.70 test_loss=1.2788 test_acc=67.66 lr=0.009549 lr_used=0.009799',
    );
  });

  it('the settings default to init-design’s recipe, and wrong ones are named', () => {
    const { lr, momentum, weightDecay, batchSize, epochs, schedule, arch, init } = trainConfig({}, { origin: 'x' });
    expect({ lr, momentum, weightDecay, batchSize, epochs, schedule, arch, init }).toEqual({
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 5e-4,
      batchSize: 128,
      epochs: 200,
      schedule: 'cosine',
      arch: 'resnet56',
      init: 'kaiming',
    });
    expect(() => trainConfig({ epoch: 3 }, { origin: 'my.json' })).toThrow(
      /my\.json: there is no setting "epoch"; did you mean "epochs"\? known are arch, dataset/,
    );
    expect(() => trainConfig({ lr: -1 }, { origin: 'my.json' })).toThrow(/my\.json: lr/);
  });
});
