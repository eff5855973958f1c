import { type Device, openDevice } from '@initlab/core';
import { epochOrder, type ImageDataset, limitDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { normFactory } from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chooseInitializer } from '../../packages/lab/src/plugins/index.js';
import { trainConfig } from '../../packages/lab/src/train/train-config.js';
import { Training } from '../../packages/lab/src/train/training.js';

// Of the processor, the driver's threads included: on the clock other tests would count too.
let device: Device;
let dataset: ImageDataset;
let training: Training;
const config = trainConfig({ arch: 'resnet8', dataset: 'fashion-mnist-sample', batchSize: 32, lr: 0.01 }, { origin: 'test' });
const images = 128;
beforeAll(async () => {
  device = await openDevice();
  dataset = limitDataset(await loadDataset('fashion-mnist-sample'), { train: images, test: images });
  const norm = { name: config.norm, factory: normFactory(config.norm) };
  training = await Training.create({ config, dataset, device, initializer: await chooseInitializer(config.init), norm });
});
afterAll(() => {
  training.dispose();
  device.close();
});

/** Seconds of the processor that a body takes, the least of some: the first compiles, and neighbours disturb caches. */
async function cost(body: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 4; round++) {
    const before = process.cpuUsage();
    await body();
    const { user, system } = process.cpuUsage(before);
    if (round > 0) least = Math.min(least, (user + system) / 1e6);
  }
  return least;
}
const epoch = (probeDue: (step: number) => boolean) =>
  cost(() => training.trainer.trainEpoch(epochOrder(images, { seed: 1, epoch: 1 }), { startStep: 0, probeDue }));

it('a look inside costs at most two and a half steps, 5 % of them at every fiftieth; evaluation 8 % of an epoch', async () => {
  const steps = images / config.batchSize;
  const [plain, looking] = [await epoch(() => false), await epoch(() => true)];
  expect((looking - plain) / steps, 'a look').toBeLessThan(2.5 * (plain / steps));
  // 10,000 test images for 50,000 training images.
  const scored = await cost(() => training.trainer.evaluate(training.test));
  expect((10_000 * scored) / (50_000 * plain), 'evaluation').toBeLessThan(0.08);
}, 120_000);
