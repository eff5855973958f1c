import type { Device } from '@initlab/core';
import { ownCommit, ownVersion } from '../own-version.js';
import type { JsonObject, RunFolder } from '../run/index.js';
import type { DivergedError, EpochRecord } from './make-run.js';
import type { TrainSetup } from './train-setup.js';
import type { Training } from './training.js';

/** What a training came to: result.json once it is complete or has diverged, and what `--json` prints. */
export interface TrainResult extends JsonObject {
  /** All epochs were made. */
  readonly complete: boolean;
  readonly diverged: { readonly epoch: number; readonly step: number; readonly op: string; readonly message: string } | null;
  readonly epochsDone: number;
  readonly stepsDone: number;
  /** The last epoch. */
  readonly last: Pick<EpochRecord, 'epoch' | 'trainLoss' | 'trainAccuracy' | 'testLoss' | 'testAccuracy'> | null;
  /** The epoch of the highest accuracy. Chosen by the test images themselves, it is a maximum and too good by chance. */
  readonly best: {
    readonly epoch: number;
    readonly testAccuracy: number;
    readonly chosenBy: 'test accuracy' | 'validation accuracy';
  } | null;
  /** Of all epochs. */
  readonly seconds: number;
  /** When the process that ended it began. */
  readonly started: string;
  readonly images: { readonly train: number; readonly validation: number; readonly test: number };
  readonly dataOrigin: string;
  readonly adapter: string;
  readonly driver: string;
  readonly node: string;
  readonly version: string;
  readonly commit: string | null;
  readonly folder: string;
}

export interface TrainResultOptions {
  readonly run: RunFolder;
  readonly setup: Pick<TrainSetup, 'dataset'>;
  readonly training: Training;
  readonly device: Device;
  readonly complete: boolean;
  readonly diverged?: DivergedError | undefined;
  readonly started: Date;
}

/** Puts together what is known of a run that came to its end, or was stopped. */
export function trainResult({ run, setup, training, device, complete, diverged, started }: TrainResultOptions): TrainResult {
  const epochs = run.metrics() as unknown as EpochRecord[];
  return {
    ...run.config,
    complete,
    diverged: diverged ? { epoch: diverged.epoch, step: diverged.step, op: diverged.op, message: diverged.message } : null,
    epochsDone: epochs.length,
    stepsDone: epochs.reduce((sum, { steps }) => sum + steps, 0),
    last: lastOf(epochs),
    best: bestOf(epochs),
    seconds: epochs.reduce((sum, { seconds }) => sum + seconds, 0),
    started: started.toISOString(),
    images: { train: training.train.count, validation: training.validation?.count ?? 0, test: training.test.count },
    dataOrigin: setup.dataset.origin,
    adapter: device.caps.adapter,
    driver: device.adapterInfo.description,
    node: process.version,
    version: ownVersion(),
    commit: ownCommit() ?? null,
    folder: run.folder,
  };
}

function lastOf(epochs: readonly EpochRecord[]): TrainResult['last'] {
  const record = epochs.at(-1);
  if (!record) return null;
  const { epoch, trainLoss, trainAccuracy, testLoss, testAccuracy } = record;
  return { epoch, trainLoss, trainAccuracy, testLoss, testAccuracy };
}

/** The first of equals; by validation images where there are some. */
function bestOf(epochs: readonly EpochRecord[]): TrainResult['best'] {
  const chosenBy = epochs.some(({ validationAccuracy }) => validationAccuracy !== null) ? 'validation accuracy' : 'test accuracy';
  const merit = (e: EpochRecord): number => (chosenBy === 'test accuracy' ? e.testAccuracy : (e.validationAccuracy ?? 0));
  let best: EpochRecord | undefined;
  for (const record of epochs) if (!best || merit(record) > merit(best)) best = record;
  return best ? { epoch: best.epoch, testAccuracy: best.testAccuracy, chosenBy } : null;
}
