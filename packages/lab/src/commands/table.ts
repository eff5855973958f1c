import type { Device } from '@initlab/core';
import { type DatasetName, limitDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { type CnnInitConfig, type CnnInitEpoch, cnnInitSteps, cnnInitStrategies, runCnnInit } from '../experiments/cnn-init.js';
import { cnnInitCurves, cnnInitTable } from '../experiments/cnn-init-table.js';
import { createProgress } from '../progress/index.js';
import { writeReport } from '../report/index.js';
import { RunFolder } from '../run/index.js';
import { renderTable } from '../tables/index.js';
import { onInterrupt } from './interrupt.js';
import { openTunedDevice } from '../tune/index.js';

export interface TableOptions {
  readonly dataset?: DatasetName;
  readonly dataDir?: string;
  readonly download?: boolean;
  readonly scale: 'demo' | 'full';
  readonly seeds: readonly number[];
  readonly only?: readonly string[];
  readonly epochs?: number;
  readonly batch: number;
  readonly maxSteps?: number;
  readonly out?: string;
  readonly resume?: string;
  readonly json?: boolean;
}

/** `initlab table cnn-init`: trains, shows progress, prints the table and writes the report. Returns the exit status. */
export async function tableCommand(options: TableOptions): Promise<number> {
  const unknown = options.only?.find((name) => !(cnnInitStrategies as readonly string[]).includes(name));
  if (unknown) throw new Error(`--only ${unknown}: the strategies of this table are ${cnnInitStrategies.join(', ')}`);
  const demo = options.scale === 'demo';
  const name = options.dataset ?? (demo ? 'fashion-mnist-sample' : 'fashion-mnist');
  const loaded = await loadDataset(name, { ...(options.dataDir ? { dir: options.dataDir } : {}), download: options.download ?? false });
  const dataset = demo ? limitDataset(loaded, { train: 2000, test: 500 }) : loaded;
  const config: CnnInitConfig = {
    experiment: 'cnn-init',
    dataset: name,
    trainImages: dataset.train.count,
    testImages: dataset.test.count,
    strategies: options.only ?? cnnInitStrategies,
    seeds: options.seeds,
    epochs: options.epochs ?? (demo ? 3 : 8),
    batchSize: options.batch,
    lr: 1e-3,
    maxSteps: options.maxSteps ?? null,
  };
  const device = await openTunedDevice();
  const run = options.resume
    ? await RunFolder.resume(options.resume, { config: { ...config } })
    : await RunFolder.create({ config: { ...config }, name: 'cnn-init', ...(options.out ? { folder: options.out } : {}) });
  return trainAndReport({ config, dataset, device, run, options });
}

interface Prepared {
  readonly config: CnnInitConfig;
  readonly dataset: Awaited<ReturnType<typeof loadDataset>>;
  readonly device: Device;
  readonly run: RunFolder;
  readonly options: TableOptions;
}

async function trainAndReport({ config, dataset, device, run, options }: Prepared): Promise<number> {
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
    interrupt.release();
  }
  const epochs = run.metrics() as unknown as CnnInitEpoch[];
  const table = cnnInitTable(config, epochs);
  const seconds = (Date.now() - startedAt.getTime()) / 1e3;
  const report = await writeReport(run.folder, {
    title: 'Five initialisations of a vanilla CNN',
    summary: `simple-cnn on ${dataset.name} (${config.trainImages} training images), Adam ${config.lr}, batch ${config.batchSize}, ${config.epochs} epochs.${complete ? '' : ' Stopped early.'}`,
    table,
    curves: cnnInitCurves(config, epochs),
    command: commandLine(config, options),
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
  if (options.json) process.stdout.write(`${JSON.stringify({ ...result, table: table.rows, report })}\n`);
  else process.stdout.write(`\n${renderTable(table, { color: process.stdout.isTTY === true })}\n\nReport: ${report}\n`);
  if (complete) return 0;
  process.stderr.write(`Stopped early. Go on with: initlab table cnn-init --resume ${run.folder} and the same options.\n`);
  return 130;
}

function commandLine(config: CnnInitConfig, options: TableOptions): string {
  const parts = ['initlab table cnn-init', `--scale ${options.scale}`, `--dataset ${config.dataset}`, `--seeds ${config.seeds.join(',')}`];
  if (options.only) parts.push(`--only ${options.only.join(',')}`);
  if (options.epochs) parts.push(`--epochs ${options.epochs}`);
  if (options.maxSteps) parts.push(`--max-steps ${options.maxSteps}`);
  if (options.batch !== 64) parts.push(`--batch ${options.batch}`);
  return parts.join(' ');
}
