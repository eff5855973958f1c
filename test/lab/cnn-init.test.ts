import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Device, openDevice } from '@initlab/core';
import { limitDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CnnInitConfig, runCnnInit } from '../../packages/lab/src/experiments/cnn-init.js';
import { cnnInitTable } from '../../packages/lab/src/experiments/cnn-init-table.js';
import type { Progress } from '../../packages/lab/src/progress/index.js';
import { RunFolder } from '../../packages/lab/src/run/index.js';

const config: CnnInitConfig = {
  experiment: 'cnn-init',
  dataset: 'fashion-mnist-sample',
  trainImages: 256,
  testImages: 100,
  strategies: ['zero', 'kaiming'],
  seeds: [0],
  epochs: 2,
  batchSize: 64,
  lr: 1e-3,
  maxSteps: null,
};
const silent: Progress = { begin: () => undefined, step: () => undefined, log: () => undefined, stop: () => undefined };
let device: Device;
let folder: string;
beforeAll(async () => {
  device = await openDevice();
  folder = await mkdtemp(path.join(tmpdir(), 'initlab-'));
});
afterAll(async () => {
  device.close();
  await rm(folder, { recursive: true });
});

describe('the cnn-init table', () => {
  it('learns where it can, and continues a stopped run bit for bit', async () => {
    const dataset = limitDataset(await loadDataset('fashion-mnist-sample'), { train: 256, test: 100 });
    const whole = await RunFolder.create({ config: { ...config }, name: 'whole', folder: path.join(folder, 'whole') });
    expect(await runCnnInit({ config, dataset, device, run: whole, progress: silent })).toBe(true);

    // Stop in the second training's second epoch, then go on in a new RunFolder as a new process would.
    const stop = new AbortController();
    let steps = 0;
    const stopping: Progress = {
      ...silent,
      step: () => {
        if (++steps === 13) stop.abort();
      },
    };
    const parted = await RunFolder.create({ config: { ...config }, name: 'parted', folder: path.join(folder, 'parted') });
    expect(await runCnnInit({ config, dataset, device, run: parted, progress: stopping, signal: stop.signal })).toBe(false);
    parted.close();
    const resumed = await RunFolder.resume(path.join(folder, 'parted'), { config: { ...config } });
    expect(await runCnnInit({ config, dataset, device, run: resumed, progress: silent })).toBe(true);

    const read = (run: string): Promise<Buffer> => readFile(path.join(folder, run, 'checkpoint.safetensors'));
    // The metadata holds the log's length, which differs with the digits of the measured seconds: compare the tensors.
    const tensors = (bytes: Buffer): Buffer => bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
    expect(tensors(await read('parted')).equals(tensors(await read('whole')))).toBe(true);
    const lines = (run: RunFolder): unknown[] => run.metrics().map(({ seconds, ...rest }) => rest);
    expect(lines(resumed)).toEqual(lines(whole));

    const table = cnnInitTable(config, whole.metrics() as never);
    const accuracy = Object.fromEntries(table.rows.map((row) => [row.name, row.measured.accuracy?.[0] ?? 0]));
    // The first 100 test images are not of all classes alike: about a tenth is one class.
    expect(accuracy.zero).toBeLessThan(20);
    // Eight steps: enough to be above chance, not to be good.
    expect(accuracy.kaiming).toBeGreaterThan(accuracy.zero ?? 100);
    whole.close();
    resumed.close();
  }, 200_000);
});
