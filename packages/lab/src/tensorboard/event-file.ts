import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { diskError } from '../run/index.js';
import type { EpochRecord } from '../train/run-training.js';
import { scalarRecord, versionRecord } from './event-record.js';

/**
 * A run's metrics as TensorBoard reads them, in `events.out.tfevents.TIME.initlab` in its folder: `tensorboard --logdir runs`
 * shows each run by its folder's name. A run that goes on keeps its file, written anew from its metrics, so that no epoch
 * stands in it twice. Throws RunError when the disk is full.
 */
export class EventFile {
  private constructor(
    private readonly file: string,
    /** When the run's first epoch began, in seconds since 1970: epochs follow by the time they took. */
    private wallTime: number,
  ) {}

  /** Whether the run's folder has one. */
  static isIn(folder: string): boolean {
    return nameIn(folder) !== undefined;
  }

  /** `epochs`: those that are done already. */
  static open(folder: string, { epochs, now = new Date() }: { readonly epochs: readonly EpochRecord[]; readonly now?: Date }): EventFile {
    try {
      const name = nameIn(folder) ?? `events.out.tfevents.${Math.floor(now.getTime() / 1e3)}.initlab`;
      const events = new EventFile(path.join(folder, name), Number(name.split('.')[3]));
      writeFileSync(events.file, versionRecord(events.wallTime));
      for (const epoch of epochs) events.add(epoch);
      return events;
    } catch (cause) {
      throw diskError(folder, cause);
    }
  }

  /** Appends an epoch. */
  add(record: EpochRecord): void {
    this.wallTime += record.seconds;
    try {
      appendFileSync(this.file, scalarRecord({ wallTime: this.wallTime, step: record.epoch, scalars: scalarsOf(record) }));
    } catch (cause) {
      throw diskError(this.file, cause);
    }
  }
}

const nameIn = (folder: string): string | undefined =>
  readdirSync(folder).find((name) => /^events\.out\.tfevents\.\d+\.initlab$/.test(name));

/** What is not a number where nothing was kept for validation is left out. */
function scalarsOf(record: EpochRecord): Record<string, number> {
  const { trainLoss, testLoss, validationLoss, trainAccuracy, testAccuracy, validationAccuracy, lrUsed, seconds } = record;
  const all = {
    ...{ 'loss/train': trainLoss, 'loss/test': testLoss, 'loss/validation': validationLoss },
    ...{ 'accuracy/train': trainAccuracy, 'accuracy/test': testAccuracy, 'accuracy/validation': validationAccuracy },
    ...{ learning_rate: lrUsed, seconds_per_epoch: seconds },
  };
  return Object.fromEntries(Object.entries(all).flatMap(([tag, number]) => (typeof number === 'number' ? [[tag, number]] : [])));
}
