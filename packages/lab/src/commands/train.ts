import path from 'node:path';
import { InitlabError } from '@initlab/core';
import { batchCount } from '@initlab/data';
import { createProgress, type Progress } from '../progress/index.js';
import { RunError, RunFolder } from '../run/index.js';
import { EventFile } from '../tensorboard/index.js';
import { extendedConfig } from '../train/extend-run.js';
import { refuseIdleSettings } from '../train/idle-settings.js';
import { DivergedError, type EpochRecord, makeRun } from '../train/make-run.js';
import type { ProbeRecord } from '../train/probe-record.js';
import { type TrainConfig, type TrainSettings, trainConfig } from '../train/train-config.js';
import { type TrainResult, trainResult } from '../train/train-result.js';
import { checkSetup, loadSetup, runConfig, settingsIn, setupPlugins, type TrainSetup } from '../train/train-setup.js';
import { Training } from '../train/training.js';
import { openTunedDevice } from '../tune/index.js';
import { onInterrupt } from './interrupt.js';
import { settingsFile } from './settings-file.js';
import { refuseOtherSettings, storedSettings } from './stored-config.js';
import { writeTrainReport } from './train-report.js';

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
    download,
    out,
    resume,
    takeLock = false,
    tensorboard = false,
    quiet = false,
    json = false,
    ...settings
  } = options;
  const place = { dataDir, download };
  const opening = { out, force: takeLock };
  const told: Telling = { tensorboard, quiet, json };
  if (resume === undefined) {
    const setup = await loadSetup(await givenConfig(settings, file), place);
    return train(setup, { open: () => newRun(setup, opening), told });
  }
  if (file !== undefined) throw new RunError(resume, 'has its settings; leave --config out with --resume.');
  const run = await RunFolder.resume(resume, { force: takeLock });
  const { config, extends: extended } = resumedConfig(run, settings);
  if (extended) {
    const setup = await loadSetup(config, place);
    checkSetup(run, setup);
    return train(setup, { open: () => extendRun(run, setup, opening), told });
  }
  if (out !== undefined)
    throw new InitlabError(`--out ${out}: a run that is resumed stays in its folder, unless --epochs gives it more epochs`);
  if (run.result) return tellResult(run, { config, result: run.result as TrainResult, told });
  const setup = await loadSetup(config, place);
  checkSetup(run, setup);
  await run.completePlugins(await setupPlugins(setup));
  return train(setup, { open: async () => run, told });
}

async function givenConfig(settings: Partial<TrainSettings>, file: string | undefined): Promise<TrainConfig> {
  const flags = Object.keys(settings);
  const own = file === undefined ? {} : await settingsFile(file);
  const config = trainConfig({ ...own, ...settings }, { origin: file ?? 'train', flags });
  refuseIdleSettings(config, { origin: file ?? 'train', flags });
  return config;
}

/** The run's own settings; others may not be given, but more epochs, which make another run that goes on from this one. */
function resumedConfig(run: RunFolder, { epochs, ...others }: Partial<TrainSettings>): { config: TrainConfig; extends: boolean } {
  const config = trainConfig(settingsIn(storedSettings(run, 'train')), { origin: path.join(run.folder, 'config.json') });
  refuseOtherSettings(run, { stored: config, given: others });
  if (epochs === undefined || epochs === config.epochs) return { config, extends: false };
  return { config: extendedConfig(run, epochs), extends: true };
}

interface Opening {
  readonly out: string | undefined;
  readonly force: boolean;
}

/** The run's folder, with a copy of the user's own files in it, imported ones too. */
const newRun = async (setup: TrainSetup, opening: Opening): Promise<RunFolder> => RunFolder.create(await creation(setup, opening));

async function extendRun(parent: RunFolder, setup: TrainSetup, opening: Opening): Promise<RunFolder> {
  const run = await parent.extend(await creation(setup, opening));
  parent.close();
  return run;
}

const creation = async (setup: TrainSetup, { out, force }: Opening) => ({
  config: runConfig(setup),
  plugins: await setupPlugins(setup),
  name: `train-${setup.config.arch}`,
  force,
  ...(out ? { folder: out } : {}),
});

/** Where and how much is said. */
interface Telling {
  readonly tensorboard: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Trains from where the run stands, and tells what came of it. */
async function train(setup: TrainSetup, { open, told }: { open: () => Promise<RunFolder>; told: Telling }): Promise<number> {
  const { config, dataset, initializer, norm } = setup;
  const { quiet, json } = told;
  const started = new Date();
  const device = await openTunedDevice();
  // Its folder first: where an initialisation of one's own fails, it keeps the file that did.
  const run = await open();
  const training = await Training.create({ config, dataset, device, initializer, norm });
  const progress = createProgress({
    totalSteps: config.maxSteps ?? config.epochs * batchCount(training.train.count, { batchSize: config.batchSize }),
    quiet,
  });
  const say = json || quiet ? (line: string): void => progress.log(line) : printer(progress);
  const interrupt = onInterrupt((again) =>
    progress.warn(again ? 'Stopping at once.' : 'Saving after this step; once more (Ctrl-C) stops at once.'),
  );
  progress.log(
    `${device.caps.adapter}${device.caps.software ? ' (software driver)' : ''}, ${dataset.name} from ${dataset.origin}; run folder ${run.folder}`,
  );
  const events = await EventFile.ofRun(run, { wanted: told.tensorboard });
  let complete = false;
  let diverged: DivergedError | undefined;
  try {
    const onEpoch = (record: EpochRecord): void => {
      say(trainMetrics(record));
      events?.add(record);
    };
    const onProbe = (record: ProbeRecord): void => events?.addProbe(record);
    complete = await makeRun({ training, config, device, run, progress, signal: interrupt.signal, onEpoch, onProbe });
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    diverged = error;
  } finally {
    progress.stop();
  }
  const result = trainResult({ run, setup, training, device, complete, diverged, started });
  training.dispose();
  device.close();
  const status = await tell(run, { config, result, told, finish: complete || diverged !== undefined });
  interrupt.release();
  return status;
}

/** Of a run that was complete already. */
const tellResult = (
  run: RunFolder,
  { config, result, told }: { config: TrainConfig; result: TrainResult; told: Telling },
): Promise<number> => tell(run, { config, result: { ...result, folder: run.folder }, told, finish: false });

async function tell(
  run: RunFolder,
  { config, result, told: { json, quiet }, finish }: { config: TrainConfig; result: TrainResult; told: Telling; finish: boolean },
): Promise<number> {
  const { complete, diverged, best } = result;
  run.checkHeld();
  const report = await writeTrainReport(run, { config, result });
  if (finish) await run.finish(result);
  else run.close();
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    if (complete && best) process.stdout.write(`TEST_METRICS: test_acc=${best.testAccuracy.toFixed(2)}\n`);
    if (!quiet) process.stderr.write(`${summary(result)}Report: ${report}\n`);
  }
  if (diverged) process.stderr.write(`initlab: ${diverged.message}\n`);
  else if (!complete) process.stderr.write(`Stopped early. Go on with: npx initlab train --resume ${run.folder}\n`);
  return diverged ? 1 : complete ? 0 : 130;
}

/** `Test accuracy 67.66 % after epoch 160; best 68.01 % after epoch 151 (the highest of all epochs).` */
function summary({ last, best }: TrainResult): string {
  if (!last || !best) return '';
  const chosen = best.chosenBy === 'test accuracy' ? 'the highest of all epochs' : 'by validation accuracy';
  return `Test accuracy ${last.testAccuracy.toFixed(2)} % after epoch ${last.epoch}; best ${best.testAccuracy.toFixed(2)} % after epoch ${best.epoch} (${chosen}).\n`;
}

/** Where both streams are one terminal the line must go above the moving bars; else to standard output for whoever reads it. */
function printer(progress: Progress): (line: string) => void {
  if (process.stdout.isTTY && process.stderr.isTTY) return (line) => progress.log(line);
  return (line) => void process.stdout.write(`${line}\n`);
}

/** The benchmark's log line, whose `lr` is that of the epoch to come; then the rate that was used. */
export function trainMetrics(record: EpochRecord): string {
  const { epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, lrNext, lrUsed } = record;
  return `TRAIN_METRICS: epoch=${epoch} train_loss=${trainLoss.toFixed(4)} train_acc=${trainAccuracy.toFixed(2)} test_loss=${testLoss.toFixed(4)} test_acc=${testAccuracy.toFixed(2)} lr=${lrNext.toFixed(6)} lr_used=${lrUsed.toFixed(6)}`;
}
