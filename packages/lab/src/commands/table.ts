import { type Device, InitlabError } from '@initlab/core';
import { type DatasetName, type ImageDataset, limitDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { z } from 'zod';
import {
  type CnnInitConfig,
  type CnnInitEpoch,
  cnnInitConfigSchema,
  cnnInitSteps,
  cnnInitStrategies,
  runCnnInit,
} from '../experiments/cnn-init.js';
import { cnnInitCurves, cnnInitTable } from '../experiments/cnn-init-table.js';
import { createProgress } from '../progress/index.js';
import { writeReport } from '../report/index.js';
import { RunError, RunFolder } from '../run/index.js';
import { renderTable } from '../tables/index.js';
import { onInterrupt } from './interrupt.js';
import { refuseOtherSettings, storedSettings } from './stored-config.js';
import { openTunedDevice } from '../tune/index.js';

export interface TableOptions {
  readonly dataset?: DatasetName;
  readonly dataDir?: string;
  readonly download?: boolean;
  /** Default `full`. */
  readonly scale?: 'demo' | 'full';
  /** Default 0. */
  readonly seeds?: readonly number[];
  readonly only?: readonly string[];
  readonly epochs?: number;
  /** Default 64. */
  readonly batch?: number;
  readonly maxSteps?: number;
  readonly out?: string;
  readonly resume?: string;
  /** Take the run's folder although another process has it. */
  readonly takeLock?: boolean;
  readonly json?: boolean;
}

/** `initlab table cnn-init`: trains, shows progress, prints the table and writes the report. Returns the exit status. */
export async function tableCommand(options: TableOptions): Promise<number> {
  const unknown = options.only?.find((name) => !(cnnInitStrategies as readonly string[]).includes(name));
  if (unknown) throw new InitlabError(`--only ${unknown}: the strategies of this table are ${cnnInitStrategies.join(', ')}`);
  const resumed = options.resume === undefined ? undefined : await RunFolder.resume(options.resume, { force: options.takeLock === true });
  const { config, dataset } = resumed ? await storedConfig(resumed, options) : await newConfig(options);
  const device = await openTunedDevice();
  const run =
    resumed ??
    (await RunFolder.create({
      config: { ...config },
      name: 'cnn-init',
      force: options.takeLock === true,
      ...(options.out ? { folder: options.out } : {}),
    }));
  return trainAndReport({ config, dataset, device, run, json: options.json === true });
}

const usualEpochs = { demo: 3, full: 8 };
const demoImages = { train: 2000, test: 500 };
const usualBatch = 64;

interface Settled {
  readonly config: CnnInitConfig;
  readonly dataset: ImageDataset;
}

const load = (name: DatasetName, { dataDir, download = false }: TableOptions): Promise<ImageDataset> =>
  loadDataset(name, { ...(dataDir ? { dir: dataDir } : {}), download });

async function newConfig(options: TableOptions): Promise<Settled> {
  const { scale = 'full', seeds = [0], only = cnnInitStrategies, batch = usualBatch, maxSteps = null } = options;
  const name = options.dataset ?? (scale === 'demo' ? 'fashion-mnist-sample' : 'fashion-mnist');
  const loaded = await load(name, options);
  const dataset = scale === 'demo' ? limitDataset(loaded, demoImages) : loaded;
  const config: CnnInitConfig = {
    experiment: 'cnn-init',
    dataset: name,
    trainImages: dataset.train.count,
    testImages: dataset.test.count,
    strategies: only,
    seeds,
    epochs: options.epochs ?? usualEpochs[scale],
    batchSize: batch,
    lr: 1e-3,
    maxSteps,
  };
  return { config, dataset };
}

/** The settings and images a stopped run was started with. */
async function storedConfig(run: RunFolder, options: TableOptions): Promise<Settled> {
  const parsed = cnnInitConfigSchema.safeParse({ ...storedSettings(run, 'cnn-init'), experiment: 'cnn-init' });
  if (!parsed.success) throw new RunError(run.folder, `has a config.json that is not of this table: ${z.prettifyError(parsed.error)}`);
  const config = parsed.data;
  const { dataset: name, only: strategies, seeds, batch: batchSize, maxSteps, scale } = options;
  const epochs = options.epochs ?? (scale && usualEpochs[scale]);
  refuseOtherSettings(run, { stored: config, given: { dataset: name, strategies, seeds, batchSize, maxSteps, epochs } });
  const dataset = limitDataset(await load(config.dataset, options), { train: config.trainImages, test: config.testImages });
  if (dataset.train.count < config.trainImages || dataset.test.count < config.testImages)
    throw new RunError(run.folder, `was started with ${config.trainImages} training images; there are ${dataset.train.count} here.`);
  return { config, dataset };
}

interface Prepared {
  readonly config: CnnInitConfig;
  readonly dataset: ImageDataset;
  readonly device: Device;
  readonly run: RunFolder;
  readonly json: boolean;
}

async function trainAndReport({ config, dataset, device, run, json }: Prepared): Promise<number> {
  const startedAt = new Date();
  const progress = createProgress({ totalSteps: cnnInitSteps(config) });
  const interrupt = onInterrupt((again) =>
    progress.log(again ? 'Stopping at once.' : 'Stopping after this step; once more (Ctrl-C) stops at once.'),
  );
  progress.log(
    `${device.caps.adapter}${device.caps.software ? ' (software driver)' : ''}, ${dataset.name} from ${dataset.origin}; run folder ${run.folder}`,
  );
  let complete: boolean;
  try {
    complete = await runCnnInit({ config, dataset, device, run, progress, signal: interrupt.signal });
  } finally {
    progress.stop();
  }
  const epochs = run.metrics() as unknown as CnnInitEpoch[];
  const table = cnnInitTable(config, epochs);
  const seconds = (Date.now() - startedAt.getTime()) / 1e3;
  run.checkHeld();
  const report = await writeReport(run.folder, {
    title: 'Five initialisations of a vanilla CNN',
    summary: `simple-cnn on ${dataset.name} (${config.trainImages} training images), Adam ${config.lr}, batch ${config.batchSize}, ${config.epochs} epochs.${complete ? '' : ' Stopped early.'}`,
    table,
    curves: cnnInitCurves(config, epochs),
    command: commandLine(config),
    facts: {
      adapter: device.caps.adapter,
      driver: device.adapterInfo.description,
      dataset: `${dataset.name}, from ${dataset.origin}`,
      node: process.version,
      ...(complete ? {} : { stopped: `early; go on with --resume ${run.folder}` }),
    },
    config: { ...config },
    startedAt,
    seconds,
  });
  const result = { ...config, complete, adapter: device.caps.adapter, seconds, rows: epochs };
  if (complete) await run.finish(result);
  else run.close();
  device.close();
  interrupt.release();
  if (json) process.stdout.write(`${JSON.stringify({ ...result, table: table.rows, report })}\n`);
  else process.stdout.write(`\n${renderTable(table, { color: process.stdout.isTTY === true })}\n\nReport: ${report}\n`);
  if (complete) return 0;
  process.stderr.write(`Stopped early. Go on with: initlab table cnn-init --resume ${run.folder}\n`);
  return 130;
}

function commandLine({ dataset, trainImages, testImages, seeds, strategies, epochs, maxSteps, batchSize }: CnnInitConfig): string {
  const scale = trainImages === demoImages.train && testImages === demoImages.test ? 'demo' : 'full';
  const parts = ['initlab table cnn-init', `--scale ${scale}`, `--dataset ${dataset}`, `--seeds ${seeds.join(',')}`];
  if (strategies.length < cnnInitStrategies.length) parts.push(`--only ${strategies.join(',')}`);
  if (epochs !== usualEpochs[scale]) parts.push(`--epochs ${epochs}`);
  if (maxSteps !== null) parts.push(`--max-steps ${maxSteps}`);
  if (batchSize !== usualBatch) parts.push(`--batch ${batchSize}`);
  return parts.join(' ');
}
