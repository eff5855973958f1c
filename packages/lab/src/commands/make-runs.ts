import path from 'node:path';
import type { Device } from '@initlab/core';
import { batchCount } from '@initlab/data';
import { createProgress } from '../progress/index.js';
import { isDone, runSweep, type SweepEnd, type SweepOptions, type SweepRun } from '../sweep/index.js';
import { onInterrupt } from './interrupt.js';

export interface MakeRunsOptions extends Pick<SweepOptions, 'onOpened' | 'waitSeconds' | 'tensorboard'> {
  /** Folder of all runs. */
  readonly root: string;
  readonly device: Device;
  readonly quiet: boolean;
  readonly title: string;
  readonly jobs?: number | undefined;
  /** Keys of the runs that each cell of a table needs; without them only runs are counted. */
  readonly cells?: readonly (readonly string[])[];
  /** Where signals are heard already; else Ctrl-C and the like are, as long as this runs. */
  readonly signal?: AbortSignal;
}

/** Makes the runs that are missing, with a display of how far they are. */
export async function makeRuns(runs: readonly SweepRun[], options: MakeRunsOptions): Promise<SweepEnd> {
  const { root, device, quiet, title, cells, jobs = 1, tensorboard, signal, onOpened, waitSeconds } = options;
  const place = path.join(root, 'by-hash');
  const missing = runs.filter(({ key }) => !isDone(place, key));
  const steps = (some: readonly SweepRun[]): number => some.reduce((sum, run) => sum + stepsOf(run), 0);
  const progress = createProgress({ totalSteps: steps(missing), quiet });
  const onSettled = (failed: ReadonlyMap<string, string>): void => {
    const open = missing.filter(({ key }) => !isDone(place, key) && !failed.has(key));
    const left = new Set(open.map(({ key }) => key));
    const full = cells?.filter((keys) => keys.every((key) => !left.has(key))).length;
    progress.tally({
      counts: [...(cells ? [`${full} of ${cells.length} cells`] : []), `${runs.length - open.length} of ${runs.length} runs`],
      openSteps: steps(open),
    });
  };
  onSettled(new Map());
  const interrupt = signal
    ? undefined
    : onInterrupt((again) => progress.warn(again ? 'Stopping at once.' : 'Saving after this step; once more (Ctrl-C) stops at once.'));
  const { adapter, software } = device.caps;
  progress.log(`${title}: ${runs.length} runs, ${missing.length} to make, on ${adapter}${software ? ' (software driver)' : ''}; ${place}`);
  try {
    return await runSweep(runs, {
      ...{ root: place, device, progress, onSettled, jobs, tensorboard, signal: signal ?? interrupt?.signal },
      ...(onOpened ? { onOpened } : {}),
      ...(waitSeconds === undefined ? {} : { waitSeconds }),
    });
  } finally {
    progress.stop();
    interrupt?.release();
  }
}

const stepsOf = ({ config, dataset }: SweepRun): number => {
  const images = Math.round(dataset.train.count * (1 - config.validation));
  return Math.min(config.maxSteps ?? Number.POSITIVE_INFINITY, config.epochs * batchCount(images, { batchSize: config.batchSize }));
};
