import type { Device } from '@initlab/core';
import type { ImageDataset } from '@initlab/data';
import { publishedOf } from '../papers/index.js';
import { type CurveSet, writeReport } from '../report/index.js';
import type { RunFolder } from '../run/index.js';
import type { EpochRecord } from '../train/run-training.js';
import { flagOf, type TrainConfig, trainConfig } from '../train/train-config.js';

export interface TrainReport {
  readonly config: TrainConfig;
  readonly dataset: ImageDataset;
  readonly device: Device;
  readonly run: RunFolder;
  readonly epochs: readonly EpochRecord[];
  readonly startedAt: Date;
  readonly complete: boolean;
  /** Why the run ended before its time. */
  readonly note?: string;
}

/** The report of one training: best accuracy (beside the published one where the recipe is the same), loss and accuracy. */
export function writeTrainReport({ config, dataset, device, run, epochs, startedAt, complete, note }: TrainReport): Promise<string> {
  const name = `${config.arch}, ${config.init}, ${config.norm}`;
  const published = publishedOf(config);
  const best = Math.max(...epochs.map((r) => Number(r.testAccuracy)));
  const last = epochs.at(-1);
  return writeReport(run.folder, {
    title: `${config.arch} on ${config.dataset}`,
    summary: `Initialisation ${config.init}, norm ${config.norm}, seed ${config.seed}, ${config.epochs} epochs of ${dataset.train.count} images in batches of ${config.batchSize}.${complete ? '' : ` ${note ?? 'Stopped early.'}`}`,
    table: {
      title: name,
      rowLabel: 'model, initialisation, norm',
      metrics: [
        { key: 'accuracy', label: 'best test accuracy %', digits: 2, better: 'higher' },
        { key: 'loss', label: 'last training loss', digits: 4, better: 'lower' },
      ],
      rows: [
        {
          name,
          measured: last ? { accuracy: [best], loss: [Number(last.trainLoss)] } : {},
          ...(published
            ? {
                published: {
                  accuracy: {
                    mean: published.published.mean,
                    seeds: published.published.count,
                    ...(published.published.std === undefined ? {} : { std: published.published.std }),
                  },
                },
              }
            : {}),
          ...(note ? { note } : {}),
        },
      ],
      ...(published ? { publishedLabel: published.label } : {}),
      comparable: published !== undefined && complete,
    },
    curves: curves(epochs),
    command: `initlab train ${Object.entries(config)
      .filter(([key, value]) => value !== null && String(value) !== String(trainConfig({}, { origin: '' })[key as keyof TrainConfig]))
      .map(([key, value]) => option(key, Array.isArray(value) ? value.join() : (value as string | number | boolean)))
      .join(' ')}`,
    facts: {
      adapter: device.caps.adapter,
      driver: device.adapterInfo.description,
      dataset: `${dataset.name}, from ${dataset.origin}`,
      node: process.version,
      ...(complete || note ? {} : { stopped: `early; go on with --resume ${run.folder}` }),
    },
    config: { ...run.config },
    startedAt,
    seconds: epochs.reduce((sum, r) => sum + Number(r.seconds), 0),
  });
}

const option = (key: string, value: string | number | boolean): string => {
  const flag = flagOf(key);
  if (value === true) return flag;
  return value === false ? flag.replace('--', '--no-') : `${flag} ${value}`;
};

function curves(epochs: readonly EpochRecord[]): CurveSet[] {
  const of = (series: string, key: keyof EpochRecord & string) =>
    epochs.map((r) => ({ series, epoch: Number(r.epoch), value: Number(r[key]) }));
  return [
    { label: 'loss', points: [...of('training', 'trainLoss'), ...of('test', 'testLoss')] },
    { label: 'accuracy %', scale: 'linear', points: [...of('training', 'trainAccuracy'), ...of('test', 'testAccuracy')] },
  ];
}
