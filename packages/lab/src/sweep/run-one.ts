import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Device } from '@initlab/core';
import { copyPlugins } from '../plugins/index.js';
import type { Progress } from '../progress/index.js';
import { makeFolder, RunFolder, runFiles } from '../run/index.js';
import { DivergedError, OtherKernelsError, type EpochRecord, runTraining } from '../train/run-training.js';
import { Training } from '../train/training.js';
import { numericsVersion } from './run-key.js';
import { pluginHashes, type SweepRun } from './run-list.js';

/** What a run needs besides itself. */
export interface RunOneOptions {
  /** Folder of its own. */
  readonly folder: string;
  readonly device: Device;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** Awaited around what must not run beside another training's same: initialising a model switches the tape off and on. */
  readonly alone: <T>(body: () => Promise<T>) => Promise<T>;
}

/**
 * Trains a run in its folder from wherever it stands, and writes its result. Answers whether it came to its end; a run that
 * diverged has. One that stands half done on another adapter, whose kernels add in another order, begins anew.
 */
export async function runOne(run: SweepRun, options: RunOneOptions): Promise<boolean> {
  const folder = await openFolder(run, options.folder);
  try {
    return await train(run, folder, options);
  } catch (error) {
    folder.close();
    if (!(error instanceof OtherKernelsError)) throw error;
    options.progress.warn(`${run.label}: half done on another adapter; it begins anew on this one.`);
    await rm(options.folder, { recursive: true, force: true });
    return runOne(run, options);
  }
}

async function openFolder(run: SweepRun, folder: string): Promise<RunFolder> {
  if (existsSync(path.join(folder, runFiles.config))) return RunFolder.resume(folder);
  await makeFolder(path.dirname(folder));
  const plugins = pluginHashes(run);
  const made = await RunFolder.create({
    config: {
      experiment: 'train',
      ...run.config,
      ...(Object.keys(plugins).length > 0 ? { plugins } : {}),
      data: run.data,
      numerics: numericsVersion,
    },
    name: run.key,
    folder,
  });
  await copyPlugins(made.folder, { init: run.initializer.plugin, norm: run.norm.plugin });
  return made;
}

async function train(run: SweepRun, folder: RunFolder, { device, progress, signal, onEpoch, alone }: RunOneOptions): Promise<boolean> {
  const { config, dataset, initializer, norm } = run;
  const training = await alone(() => Training.create({ config, dataset, device, initializer, norm }));
  let diverged: DivergedError | undefined;
  try {
    const complete = await runTraining({
      ...{ training, config, device, run: folder, progress, signal, name: run.label },
      onEpoch: (record) => onEpoch?.(record),
    });
    if (!complete) {
      folder.close();
      return false;
    }
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    diverged = error;
  } finally {
    training.dispose();
  }
  await folder.finish({
    ...folder.config,
    complete: diverged === undefined,
    ...(diverged ? { diverged: { epoch: diverged.epoch, step: diverged.step, op: diverged.op } } : {}),
    adapter: device.caps.adapter,
    driver: device.adapterInfo.description,
  });
  return true;
}
