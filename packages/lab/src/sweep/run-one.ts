import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Device } from '@initlab/core';
import type { Progress } from '../progress/index.js';
import { InUseError, makeFolder, RunError, RunFolder, runFiles } from '../run/index.js';
import { EventFile } from '../tensorboard/index.js';
import { DivergedError, type EpochRecord, makeRun } from '../train/make-run.js';
import { OtherKernelsError } from '../train/run-checkpoints.js';
import { type TrainResult, trainResult } from '../train/train-result.js';
import { runConfig, setupPlugins } from '../train/train-setup.js';
import { Training } from '../train/training.js';
import { forgetFailure } from './run-failure.js';
import { storedKey } from './run-key.js';
import type { SweepRun } from './run-list.js';

/** What a run needs besides itself. */
export interface RunOneOptions {
  /** Folder of its own. */
  readonly folder: string;
  readonly device: Device;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Awaited with the folder in hand, before the run trains; what it throws is the run's failure. */
  readonly onOpened?: ((run: SweepRun) => Promise<void>) | undefined;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** Also write the metrics as TensorBoard reads them. */
  readonly tensorboard?: boolean | undefined;
  /** Awaited around what must not run beside another training's same: initialising a model switches the tape off and on. */
  readonly alone: <T>(body: () => Promise<T>) => Promise<T>;
}

/**
 * Trains a run in its folder from wherever it stands, and writes its result. Answers how it came to its end, in words, or
 * undefined where it was stopped before, or another process has made it meanwhile. One that stands half done on another adapter,
 * whose kernels add in another order, begins anew.
 */
export async function runOne(run: SweepRun, options: RunOneOptions): Promise<string | undefined> {
  const folder = await openFolder(run, options.folder);
  // What was looked at before the folder was this process's may have changed since: only now it is settled.
  if (folder.result) {
    folder.close();
    return undefined;
  }
  try {
    await forgetFailure(options.folder);
    await options.onOpened?.(run);
    return await train(run, folder, options);
  } catch (error) {
    if (!(error instanceof OtherKernelsError)) {
      folder.close();
      throw error;
    }
    options.progress.warn(`${run.label}: half done on another adapter; it begins anew on this one.`);
    await folder.discard();
    return runOne(run, options);
  }
}

async function openFolder(run: SweepRun, folder: string): Promise<RunFolder> {
  const [config, plugins] = [runConfig(run), await setupPlugins(run)];
  const begun = (): boolean => existsSync(path.join(folder, runFiles.config));
  if (!begun()) {
    await makeFolder(path.dirname(folder));
    try {
      return await RunFolder.create({ config, name: run.key, folder, plugins });
    } catch (error) {
      // Another process may have begun it, and stopped, since.
      if (error instanceof InUseError || !begun()) throw error;
    }
  }
  const resumed = await RunFolder.resume(folder);
  if (storedKey(resumed.config) !== run.key) {
    resumed.close();
    throw new RunError(folder, `holds the run ${storedKey(resumed.config)}: a folder that was moved or copied here. Remove it.`);
  }
  await resumed.completePlugins(plugins);
  return resumed;
}

async function train(run: SweepRun, folder: RunFolder, options: RunOneOptions): Promise<string | undefined> {
  const { device, progress, signal, onEpoch, tensorboard = false, alone } = options;
  const { config, dataset, initializer, norm } = run;
  const events = await EventFile.ofRun(folder, { wanted: tensorboard });
  const training = await alone(() => Training.create({ config, dataset, device, initializer, norm }));
  const started = new Date();
  let result: TrainResult;
  let end = 'done';
  try {
    const complete = await makeRun({
      ...{ training, config, device, run: folder, progress, signal, name: run.label },
      onEpoch: (record) => {
        events?.add(record);
        onEpoch?.(record);
      },
      onProbe: (record) => events?.addProbe(record),
    });
    if (!complete) {
      folder.close();
      return undefined;
    }
    result = trainResult({ run: folder, setup: run, training, device, complete: true, started });
  } catch (diverged) {
    if (!(diverged instanceof DivergedError)) throw diverged;
    result = trainResult({ run: folder, setup: run, training, device, complete: false, diverged, started });
    end = `diverged in epoch ${diverged.epoch}`;
  } finally {
    training.dispose();
  }
  await folder.finish(result);
  return end;
}
