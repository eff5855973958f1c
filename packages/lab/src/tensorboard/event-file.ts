import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { diskError, type RunFolder } from '../run/index.js';
import type { EpochRecord } from '../train/make-run.js';
import type { ProbeRecord } from '../train/probe-record.js';
import { scalarRecord, versionRecord } from './event-record.js';

/**
 * A run's metrics as TensorBoard reads them, in `events.out.tfevents.TIME.initlab` in its folder: `tensorboard --logdir runs`
 * shows each run by its folder's name. Epochs stand by their number, looks inside the net (`--probe`) by the steps before them, a
 * curve for each layer. A run that goes on keeps its file, written anew from its metrics and probes, so that none stands in it
 * twice. Throws RunError when the disk is full.
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

  /** That of a run in hand, with what it has logged: where one is `wanted`, or there is one already. */
  static async ofRun(run: RunFolder, { wanted }: { readonly wanted: boolean }): Promise<EventFile | undefined> {
    if (!wanted && !EventFile.isIn(run.folder)) return undefined;
    const probes = (await run.probes()) as unknown as ProbeRecord[];
    return EventFile.open(run.folder, { epochs: run.metrics() as unknown as EpochRecord[], probes });
  }

  /** `epochs` and `probes`: those that are done already. */
  static open(
    folder: string,
    {
      epochs,
      probes = [],
      now = new Date(),
    }: { readonly epochs: readonly EpochRecord[]; readonly probes?: readonly ProbeRecord[]; readonly now?: Date },
  ): EventFile {
    try {
      const name = nameIn(folder) ?? `events.out.tfevents.${Math.floor(now.getTime() / 1e3)}.initlab`;
      const events = new EventFile(path.join(folder, name), Number(name.split('.')[3]));
      writeFileSync(events.file, versionRecord(events.wallTime));
      // As they came: the looks of an epoch before its end.
      const left = [...probes];
      for (const epoch of epochs) {
        while (left[0] && left[0].epoch <= epoch.epoch) events.addProbe(left.shift() as ProbeRecord);
        events.add(epoch);
      }
      for (const probe of left) events.addProbe(probe);
      return events;
    } catch (cause) {
      throw diskError(folder, cause);
    }
  }

  /** Appends an epoch. */
  add(record: EpochRecord): void {
    this.wallTime += record.seconds;
    this.append(record.epoch, scalarsOf(record));
  }

  /** Appends a look inside the net, at the time when its epoch began. */
  addProbe({ step, layers }: ProbeRecord): void {
    this.append(step, Object.fromEntries(layers.flatMap(layerScalars)));
  }

  private append(step: number, scalars: Readonly<Record<string, number>>): void {
    try {
      appendFileSync(this.file, scalarRecord({ wallTime: this.wallTime, step, scalars }));
    } catch (cause) {
      throw diskError(this.file, cause);
    }
  }
}

/** TensorBoard puts what stands before the stroke into one section. What is not finite is a word in the log, and left out. */
function layerScalars({ name, ...numbers }: ProbeRecord['layers'][number]): [string, number][] {
  const { mean, deviation, gradientNorm, weightNorm, dead } = numbers;
  const all = {
    ...{ probe_mean: mean, probe_deviation: deviation, probe_gradient_norm: gradientNorm },
    ...{ probe_weight_norm: weightNorm, probe_dead_units: dead },
  };
  return Object.entries(all).flatMap(([section, number]): [string, number][] =>
    typeof number === 'number' && Number.isFinite(number) ? [[`${section}/${name}`, number]] : [],
  );
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
