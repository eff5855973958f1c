import path from 'node:path';
import type { Device } from '@initlab/core';
import { batchCount, type ImageDataset, limitDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { chooseInitializer, chooseNorm, copyPlugins, type LoadedPlugin } from '../plugins/index.js';
import { createProgress, type Progress } from '../progress/index.js';
import { type JsonObject, RunError, RunFolder, runFiles } from '../run/index.js';
import { DivergedError, type EpochRecord, runTraining } from '../train/run-training.js';
import { refuseIdleSettings, type TrainConfig, type TrainSettings, trainConfig } from '../train/train-config.js';
import { Training } from '../train/training.js';
import { onInterrupt } from './interrupt.js';
import { settingsFile } from './settings-file.js';
import { refuseOtherSettings, storedSettings } from './stored-config.js';
import { writeTrainReport } from './train-report.js';
import { EventFile } from '../tensorboard/index.js';
import { openTunedDevice } from '../tune/index.js';

export interface TrainOptions extends Partial<TrainSettings> {
  /** A JSON file of settings; options of the command line come before it. */
  readonly config?: string;
  readonly dataDir?: string;
  readonly download?: boolean;
  readonly out?: string;
  readonly resume?: string;
  /** Take the run's folder although another process has it. */
  readonly takeLock?: boolean;
  /** Also write the metrics as TensorBoard reads them. */
  readonly tensorboard?: boolean;
  /** Only the result and what goes wrong. */
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `initlab train`: one training with the recipe of init-design. Returns the exit status. */
export async function trainCommand(options: TrainOptions): Promise<number> {
  const {
    config: file,
    dataDir,
    download = false,
    out,
    resume,
    takeLock = false,
    tensorboard = false,
    quiet = false,
    json,
    ...settings
  } = options;
  const resumed = resume === undefined ? undefined : await RunFolder.resume(resume, { force: takeLock });
  const config = resumed ? storedConfig(resumed, { file, settings }) : await givenConfig(settings, file);
  const initializer = await chooseInitializer(config.init);
  const norm = await chooseNorm(config.norm);
  const loaded = await loadDataset(config.dataset, { ...(dataDir ? { dir: dataDir } : {}), download });
  const dataset = config.limit ? limitDataset(loaded, { train: config.limit, test: config.limit }) : loaded;
  const device = await openTunedDevice();
  const plugins = { init: initializer.plugin, norm: norm.plugin };
  const run = resumed ?? (await newRun(config, { out, plugins, force: takeLock }));
  if (resumed) checkPlugins(resumed, plugins);
  const training = await Training.create({ config, dataset, device, initializer, norm });
  return train({ config, dataset, device, run, training, tensorboard, quiet, json: json === true });
}

async function givenConfig(settings: Partial<TrainSettings>, file: string | undefined): Promise<TrainConfig> {
  const flags = Object.keys(settings);
  const own = file === undefined ? {} : await settingsFile(file);
  const config = trainConfig({ ...own, ...settings }, { origin: file ?? 'train', flags });
  refuseIdleSettings(config, { origin: file ?? 'train', flags });
  return config;
}

function storedConfig(run: RunFolder, { file, settings }: { file: string | undefined; settings: Partial<TrainSettings> }): TrainConfig {
  const { plugins: _, ...stored } = storedSettings(run, 'train');
  const config = trainConfig(stored, { origin: path.join(run.folder, 'config.json') });
  if (file !== undefined) throw new RunError(run.folder, 'has its settings; leave --config out with --resume.');
  refuseOtherSettings(run, { stored: config, given: settings });
  return config;
}

interface Plugins {
  readonly init: LoadedPlugin | undefined;
  readonly norm: LoadedPlugin | undefined;
}
const pluginEntries = (plugins: Plugins): [string, LoadedPlugin][] =>
  Object.entries(plugins).flatMap(([kind, plugin]) => (plugin ? [[kind, plugin] as [string, LoadedPlugin]] : []));

/** The run's folder, with a copy of the user's own files in it, imported ones too. */
async function newRun(
  config: TrainConfig,
  { out, plugins, force }: { out: string | undefined; plugins: Plugins; force: boolean },
): Promise<RunFolder> {
  const hashes = Object.fromEntries(pluginEntries(plugins).map(([kind, { hash }]) => [kind, hash]));
  const run = await RunFolder.create({
    config: { experiment: 'train', ...config, ...(Object.keys(hashes).length > 0 ? { plugins: hashes } : {}) },
    name: `train-${config.arch}`,
    force,
    ...(out ? { folder: out } : {}),
  });
  await copyPlugins(run.folder, { ...plugins });
  return run;
}

function checkPlugins(run: RunFolder, plugins: Plugins): void {
  const stored = (run.config.plugins ?? {}) as Record<string, string>;
  for (const [kind, { file, hash }] of pluginEntries(plugins))
    if (stored[kind] !== hash)
      throw new RunError(
        run.folder,
        `was started with another content of ${file}. A copy of that one is in ${path.join(run.folder, runFiles.plugins, kind)}.`,
      );
}

interface Prepared {
  readonly config: TrainConfig;
  readonly dataset: ImageDataset;
  readonly device: Device;
  readonly run: RunFolder;
  readonly training: Training;
  readonly tensorboard: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

async function train({ config, dataset, device, run, training, tensorboard, quiet, json }: Prepared): Promise<number> {
  const startedAt = new Date();
  const progress = createProgress({ totalSteps: config.maxSteps ?? config.epochs * batchCount(training.train.count, config), quiet });
  const say = json || quiet ? (line: string): void => progress.log(line) : printer(progress);
  const interrupt = onInterrupt((again) =>
    progress.warn(again ? 'Stopping at once.' : 'Saving after this step; once more (Ctrl-C) stops at once.'),
  );
  progress.log(
    `${device.caps.adapter}${device.caps.software ? ' (software driver)' : ''}, ${dataset.name} from ${dataset.origin}; run folder ${run.folder}`,
  );
  const done = run.metrics() as unknown as EpochRecord[];
  const events = tensorboard || EventFile.isIn(run.folder) ? EventFile.open(run.folder, { epochs: done }) : undefined;
  let complete = false;
  let diverged: DivergedError | undefined;
  try {
    complete = await runTraining({
      training,
      config,
      device,
      run,
      progress,
      signal: interrupt.signal,
      onEpoch: (record) => {
        say(trainMetrics(record));
        events?.add(record);
      },
    });
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    diverged = error;
  } finally {
    progress.stop();
  }
  const epochs = run.metrics() as unknown as EpochRecord[];
  const best = Math.max(...epochs.map((r) => Number(r.testAccuracy)));
  const seconds = epochs.reduce((sum, r) => sum + Number(r.seconds), 0);
  const result: JsonObject = {
    ...run.config,
    complete,
    ...(diverged ? { diverged: { epoch: diverged.epoch, step: diverged.step, op: diverged.op } } : {}),
    bestTestAccuracy: epochs.length > 0 ? best : null,
    adapter: device.caps.adapter,
    seconds,
  };
  run.checkHeld();
  const report = await writeTrainReport({
    config,
    dataset,
    device,
    run,
    epochs,
    startedAt,
    complete,
    ...(diverged ? { note: diverged.message } : {}),
  });
  if (complete || diverged) await run.finish(result);
  else run.close();
  training.dispose();
  device.close();
  interrupt.release();
  if (complete && !json) process.stdout.write(`TEST_METRICS: test_acc=${best.toFixed(2)}\n`);
  if (json) process.stdout.write(`${JSON.stringify({ ...result, epochs, report, folder: run.folder })}\n`);
  else if (!quiet) process.stderr.write(`Report: ${report}\n`);
  if (diverged) process.stderr.write(`initlab: ${diverged.message}\n`);
  else if (!complete) process.stderr.write(`Stopped early. Go on with: initlab train --resume ${run.folder}\n`);
  return diverged ? 1 : complete ? 0 : 130;
}

/** Where both streams are one terminal the line must go above the moving bars; else to standard output for whoever reads it. */
function printer(progress: Progress): (line: string) => void {
  if (process.stdout.isTTY && process.stderr.isTTY) return (line) => progress.log(line);
  return (line) => void process.stdout.write(`${line}\n`);
}

/** The benchmark's log line. */
export function trainMetrics({ epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, lr }: EpochRecord): string {
  return `TRAIN_METRICS: epoch=${epoch} train_loss=${trainLoss.toFixed(4)} train_acc=${trainAccuracy.toFixed(2)} test_loss=${testLoss.toFixed(4)} test_acc=${testAccuracy.toFixed(2)} lr=${lr.toFixed(6)}`;
}
