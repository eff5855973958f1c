import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Device, openDevice, Scope, tensor } from '@initlab/core';
import { type ImageDataset, limitDataset, type ResidentDataset, sequentialOrder } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { listRuns, type RunFolder } from '@initlab/lab';
import { normFactory } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseInitializer } from '../../packages/lab/src/plugins/index.js';
import { refuseIdleSettings } from '../../packages/lab/src/train/idle-settings.js';
import { optimizerNames } from '../../packages/lab/src/train/optimizers.js';
import { type TrainSettings, trainConfig, trainConfigSchema } from '../../packages/lab/src/train/train-config.js';
import { checkSetup, loadSetup, runConfig } from '../../packages/lab/src/train/train-setup.js';
import { Training } from '../../packages/lab/src/train/training.js';
import { differs } from '../support/close.js';

let device: Device;
let dataset: ImageDataset;
beforeAll(async () => {
  device = await openDevice();
  dataset = limitDataset(await loadDataset('fashion-mnist-sample'), { train: 40, test: 8 });
});
afterAll(() => device.close());

/** A net without statistics over a batch, so that parts of a batch give the same gradient as the whole. */
async function create(settings: TrainSettings): Promise<Training> {
  const plain = { arch: 'mlp3-32', norm: 'none', dataset: 'fashion-mnist-sample', batchSize: 16, epochs: 8 } as const;
  const config = trainConfig({ ...plain, ...settings }, { origin: 'test' });
  const initializer = await chooseInitializer(config.init);
  return Training.create({ config, dataset, device, initializer, norm: { name: config.norm, factory: normFactory(config.norm) } });
}

async function weights(training: Training): Promise<number[]> {
  const values: number[] = [];
  for (const p of training.model.parameters()) values.push(...(await p.read()));
  return values;
}

describe('settings of a training', () => {
  it('a batch computed in parts takes the same step, an odd last batch too', async () => {
    const [whole, parts] = await Promise.all([create({}), create({ miniBatches: 3 })]);
    const order = sequentialOrder(40);
    const expected = await whole.trainer.trainEpoch(order);
    const found = await parts.trainer.trainEpoch(order);
    expect(found.steps).toBe(3);
    expect(found.accuracy).toBe(expected.accuracy);
    expect(found.loss).toBeCloseTo(expected.loss, 5);
    // Sums in another order, over three steps of momentum.
    expect(differs('weights', await weights(parts), await weights(whole), { absolute: 1e-5, relative: 1e-5 })).toBe('');
    whole.dispose();
    parts.dispose();
  });

  it('optimizer names any that nn has, and each refuses what it does not heed', async () => {
    const settings = { lr: 1e-3, weightDecay: 1e-4 };
    const moved: Record<string, number> = {};
    for (const optimizer of optimizerNames) {
      const training = await create({ optimizer, ...settings });
      const before = await weights(training);
      await training.trainer.trainEpoch(sequentialOrder(16));
      moved[optimizer] = Math.max(...(await weights(training)).map((w, i) => Math.abs(w - (before[i] as number))));
      training.dispose();
    }
    // Lion moves every weight by the rate, and decays it.
    expect(moved.lion).toBeCloseTo(1e-3, 5);
    expect(Object.values(moved).every((by) => by > 0)).toBe(true);
    const refusal = (given: TrainSettings) => () => refuseIdleSettings(trainConfig(given, { origin: 'test' }), { origin: 'test' });
    expect(refusal({ optimizer: 'lion', nesterov: true })).toThrow('test: nesterov true: has an effect only with optimizer sgd');
    expect(refusal({ optimizer: 'lion', momentum: 0.5 })).toThrow(/momentum 0\.5: has an effect only with optimizer sgd or lars/);
    expect(() => trainConfig({ optimizer: 'lyon' }, { origin: 'test' })).toThrow(/optimizer "lyon": must be one of .*adagrad, .*lion/);
  });

  it('a setting that is wrong is told in our words, whichever it is and however it is wrong', () => {
    const wrong = [-1, 0.5, 64.5, 1e300, 'word', true, {}, [], [-1], ['word'], [1, 2, 3, 4, 5], Number.NaN];
    const told = Object.keys(trainConfigSchema.shape).flatMap((setting) =>
      wrong.flatMap((value) => {
        try {
          trainConfig({ [setting]: value }, { origin: 'test', flags: [setting] });
          return [];
        } catch (error) {
          return [String((error as Error).message)];
        }
      }),
    );
    expect(told.length).toBeGreaterThan(250);
    for (const message of told) expect(message).toMatch(/^--[a-z-]+( .*)?: must (be|have|not be) /);
    for (const message of told) expect(message).not.toMatch(/expected|received|invalid|too (small|big)|undefined/i);
    const misspelt = (): unknown => trainConfig({ epoch: 3 }, { origin: 'f.json' });
    expect(misspelt).toThrow(/^f\.json: there is no setting "epoch"; did you mean "epochs"\? known are arch, /);
  });

  it('clipNorm bounds a step, mini-batches or not', async () => {
    for (const miniBatches of [1, 2]) {
      const training = await create({ clipNorm: 1e-2, lr: 1, momentum: 0, weightDecay: 0, miniBatches });
      const before = await weights(training);
      await training.trainer.trainEpoch(sequentialOrder(16));
      const moved = Math.hypot(...(await weights(training)).map((w, i) => w - (before[i] as number)));
      expect(moved).toBeGreaterThan(0.99e-2);
      expect(moved).toBeLessThan(1.01e-2);
      training.dispose();
    }
  });

  it('images kept back for validation are not trained on, and are scored', async () => {
    const training = await create({ validation: 0.25 });
    expect([training.train.count, training.validation?.count, training.test.count]).toEqual([30, 10, 8]);
    const score = await training.trainer.evaluate(training.validation as ResidentDataset);
    expect(score.images).toBe(10);
    training.dispose();
  });

  it('images are padded or resized, and normalised as told', async () => {
    const shown = async (settings: TrainSettings): Promise<Float32Array> => {
      const training = await create(settings);
      using _ = new Scope();
      const { images } = training.test.batch(tensor([0], { dtype: 'i32', device }));
      const values = images.read() as Promise<Float32Array>;
      training.dispose();
      return values;
    };
    const padded = await shown({ fit: 'pad', mean: [0.5], std: [0.5] });
    // (x / 255 − 0.5) / 0.5: black is −1, in all three channels, and two rows of border are black.
    expect([...new Set(padded.slice(0, 64))]).toEqual([-1]);
    expect(padded.length).toBe(3 * 32 * 32);
    expect((await shown({ imageSize: 40 })).length).toBe(3 * 40 * 40);
    expect(Math.max(...padded)).toBeLessThanOrEqual(1);
    const own = await shown({});
    expect(own[0]).toBeCloseTo(-0.286 / 0.353, 3);
  });

  it('scalarLr slows parameters of one number only', async () => {
    const moved = async (scalarLr: number): Promise<{ scalars: number; others: number }> => {
      const training = await create({ arch: 'fixup-resnet8', scalarLr, weightDecay: 0, momentum: 0 });
      const before = await Promise.all(training.model.parameters().map((p) => p.read()));
      await training.trainer.trainEpoch(sequentialOrder(16));
      const sums = { scalars: 0, others: 0 };
      for (const [i, p] of training.model.parameters().entries()) {
        const after = await p.read();
        const kind = p.size === 1 ? 'scalars' : 'others';
        sums[kind] += [...after].reduce((sum, v, k) => sum + Math.abs(v - (before[i]?.[k] as number)), 0);
      }
      training.dispose();
      return sums;
    };
    const [usual, slow] = [await moved(1), await moved(0.125)];
    expect(slow.others).toBeCloseTo(usual.others, 4);
    expect(slow.scalars).toBeCloseTo(usual.scalars / 8, 5);
    expect(usual.scalars).toBeGreaterThan(0);
  });

  it('the rate rises through warm-up step by step, then follows the schedule', async () => {
    const rates = async (settings: TrainSettings, at: readonly number[]): Promise<number[]> => {
      const training = await create({ lr: 1, warmupFactor: 0.2, ...settings });
      training.dispose();
      return at.map((epochs) => Number(training.schedule(epochs).toFixed(6)));
    };
    expect(await rates({ warmupEpochs: 2, schedule: 'constant' }, [0, 0.5, 1, 1.5, 2, 7.9])).toEqual([0.2, 0.4, 0.6, 0.8, 1, 1]);
    expect(await rates({ warmupEpochs: 2, warmup: 'quadratic', schedule: 'constant' }, [0, 1, 2])).toEqual([0.2, 0.4, 1]);
    // Half a cosine over the six epochs left; constant within an epoch.
    expect(await rates({ warmupEpochs: 2 }, [2, 5, 5.9, 8])).toEqual([1, 0.5, 0.5, 0]);
    expect(await rates({ warmupEpochs: 2, schedule: 'multistep', milestones: [4], gamma: 0.1 }, [3.5, 4])).toEqual([1, 0.1]);
    // Shares of the eight epochs.
    expect(await rates({ schedule: 'multistep', milestones: [0.5, 0.75], gamma: 0.1 }, [3, 4, 6])).toEqual([1, 0.1, 0.01]);
  });

  it('one number in place of a list is a list of it, as grids of sweeps have it', () => {
    const config = trainConfig({ mean: 0.5, std: 0.25, milestones: 3, colorJitter: 0.4 }, { origin: 'test' });
    expect(config).toMatchObject({ mean: [0.5], std: [0.25], milestones: [3], colorJitter: [0.4] });
    expect(trainConfig({ colorJitter: [0, 0], mixup: 0 }, { origin: 'test' })).not.toHaveProperty('colorJitter');
    expect(() => trainConfig({ std: -1 }, { origin: 'test' })).toThrow(/test: std -1: /);
  });

  it('images are of the size that the model was designed for, or as told; what no device holds is refused before it is made', async () => {
    const sizeOf = (settings: TrainSettings): number | undefined => trainConfig(settings, { origin: 'test' }).imageSize;
    expect(sizeOf({ arch: 'imagenet-resnet18' })).toBe(224);
    expect(sizeOf({ arch: 'imagenet-resnet18', imageSize: 64 })).toBe(64);
    // Runs of before there was a choice keep their names.
    expect(trainConfig({ arch: 'resnet20', imageSize: 32 }, { origin: 'test' })).not.toHaveProperty('imageSize');
    await expect(create({ imageSize: 60_000 })).rejects.toThrow(
      /fashion-mnist-sample at 60000 × 60000 is 144\.0 GB.*--image-size, or fewer/,
    );
  });

  describe('a folder of images', () => {
    const folders: string[] = [];
    /** One of its images for each path. */
    const folderOf = (...places: string[]): string => {
      const dataDir = mkdtempSync(path.join(tmpdir(), 'initlab-folder-'));
      folders.push(dataDir);
      for (const [i, at] of places.entries()) {
        mkdirSync(path.join(dataDir, at), { recursive: true });
        const kind = i % 2 === 0 ? 'rgb' : 'rgba';
        copyFileSync(new URL(`../data/images/${kind}.png`, import.meta.url), path.join(dataDir, at, `${i}.png`));
      }
      return dataDir;
    };
    afterAll(() => {
      for (const folder of folders) rmSync(folder, { recursive: true });
    });
    const configFor = (settings: TrainSettings = {}) =>
      trainConfig({ arch: 'mlp3-32', dataset: 'folder', imageSize: 16, ...settings }, { origin: 'test' });

    it('comes at the size asked for; it is known by its images wherever it lies, in runs of sweeps too', async () => {
      const places = ['train/a', 'train/b', 'val/b'];
      const config = configFor();
      const dataDir = folderOf(...places);
      const { dataset: found, data } = await loadSetup(config, { dataDir });
      expect(found).toMatchObject({ classes: ['a', 'b'], channels: 3, height: 16, width: 16, train: { count: 2 }, test: { count: 1 } });
      expect(data).toMatch(/^[0-9a-f]{64}$/);
      await expect(loadSetup(config)).rejects.toThrow(/name the folder with --data-dir/);
      await expect(loadSetup(config, { dataDir, download: true })).rejects.toThrow(/there is nothing to fetch/);
      const wanted = [config, configFor({ imageSize: 8 }), configFor({ lr: 0.2 })].map((one) => ({ label: '', config: one }));
      const { runs, keys } = await listRuns(wanted, { dataDir });
      expect(runs.map((run) => run.dataset.height)).toEqual([16, 8, 16]);
      expect(runs[0]?.data).toBe(data);
      expect((await listRuns(wanted, { dataDir: folderOf(...places) })).keys).toEqual(keys);
      // Another image, or a class more: another run, and one that was started does not go on with it.
      const other = folderOf(...places, 'train/c');
      expect((await listRuns(wanted, { dataDir: other })).keys[0]).not.toBe(keys[0]);
      const changed = await loadSetup(config, { dataDir: other });
      const run = { folder: 'run', config: runConfig(await loadSetup(config, { dataDir })) } as RunFolder;
      expect(() => checkSetup(run, changed)).toThrow(/other images than those of a folder of 3 classes from .*--data-dir/);
    });

    it('limit takes of all classes; a share of it can be its test', async () => {
      const dataDir = folderOf(...[...'aaaabbbbccccdddd']);
      const { dataset: few } = await loadSetup(configFor({ testShare: 0.25, limit: 4 }), { dataDir });
      expect([few.train.count, few.test.count]).toEqual([4, 4]);
      // The first four of twelve would be of two.
      expect(new Set(few.train.labels).size).toBeGreaterThan(2);
      await expect(loadSetup(configFor(), { dataDir })).rejects.toThrow(/testShare/);
      const idle = (settings: TrainSettings): void => refuseIdleSettings(trainConfig(settings, { origin: 'test' }), { origin: 'test' });
      expect(() => idle({ dataset: 'folder', fit: 'pad' })).toThrow(
        /fit "pad": has no effect with dataset folder, whose images are resized/,
      );
      expect(() => idle({ testShare: 0.5 })).toThrow(/testShare 0.5: has an effect only with dataset folder/);
    });
  });
});
