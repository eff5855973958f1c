import { publishedOf } from '../papers/index.js';
import { type CurveSet, layersGrid, momentOf, probeFigures, type ReportData, writeReport } from '../report/index.js';
import type { RunFolder } from '../run/index.js';
import type { EpochRecord } from '../train/make-run.js';
import { type ProbeRecord, someProbes } from '../train/probe-record.js';
import { showOption } from '../train/settings-origin.js';
import { type TrainConfig, trainConfig } from '../train/train-config.js';
import type { TrainResult } from '../train/train-result.js';

/** What the report of one training says besides its metrics. */
export interface TrainReport {
  readonly config: TrainConfig;
  readonly result: TrainResult;
}

/** The report of one training: last and best accuracy (beside the published one where the recipe is the same), loss and accuracy. */
export async function writeTrainReport(run: RunFolder, { config, result }: TrainReport): Promise<string> {
  const { complete, diverged, last, best, images } = result;
  const epochs = run.metrics() as unknown as EpochRecord[];
  const name = `${config.arch}, ${config.init}, ${config.norm}`;
  const published = publishedOf(config);
  const note = diverged?.message;
  const probes = inside((await run.probes()) as unknown as ProbeRecord[]);
  return writeReport(run.folder, {
    title: `${config.arch} on ${config.dataset}`,
    summary: `Initialisation ${config.init}, norm ${config.norm}, seed ${config.seed}, ${config.epochs === 1 ? '1 epoch' : `${config.epochs} epochs`} of ${images.train} images in batches of ${config.batchSize}.${complete ? '' : ` ${note ?? 'Stopped early.'}`}`,
    table: {
      title: name,
      rowLabel: 'model, initialisation, norm',
      metrics: [
        { key: 'accuracy', label: 'best test accuracy %', digits: 2, better: 'higher' },
        { key: 'last', label: 'last test accuracy %', digits: 2, better: 'higher' },
        { key: 'loss', label: 'last training loss', digits: 4, better: 'lower' },
      ],
      rows: [
        {
          name,
          measured: last && best ? { accuracy: [best.testAccuracy], last: [last.testAccuracy], loss: [last.trainLoss] } : {},
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
      // Of one epoch there is nothing to choose.
      notes:
        best && epochs.length > 1
          ? [
              best.chosenBy === 'test accuracy'
                ? `The best accuracy is the highest of ${epochs.length} epochs, of epoch ${best.epoch}: a maximum, which chance makes too high.`
                : `The best accuracy is of epoch ${best.epoch}, whose validation accuracy is the highest.`,
            ]
          : [],
    },
    barMetrics: ['accuracy'],
    curves: curves(epochs),
    ...(probes ? { probes } : {}),
    command: commandLine(config),
    facts: {
      adapter: result.adapter,
      driver: result.driver,
      dataset: `${config.dataset}, from ${result.dataOrigin}`,
      initlab: `${result.version}${result.commit ? `, commit ${result.commit}` : ''}`,
      node: result.node,
      ...(run.parent ? { 'goes on from': run.parent.run } : {}),
      ...(complete || note ? {} : { stopped: `early; go on with --resume ${run.folder}` }),
    },
    config: { ...run.config },
    startedAt: new Date(result.started),
    seconds: result.seconds,
  });
}

const commandLine = (config: TrainConfig): string =>
  `npx initlab train ${Object.entries(config)
    .filter(([key, value]) => value !== null && String(value) !== String(trainConfig({}, { origin: '' })[key as keyof TrainConfig]))
    .map(([key, value]) => showOption(key, value))
    .join(' ')}`;

/** Moments that are drawn beside each other. */
const moments = 4;

function inside(probes: readonly ProbeRecord[]): ReportData['probes'] {
  const layers = layersGrid(probes);
  const series = someProbes(probes, moments).map((probe) => ({ name: momentOf(probe.step), looks: [probe] }));
  return layers && { figures: probeFigures(series), layers };
}

function curves(epochs: readonly EpochRecord[]): CurveSet[] {
  const of = (series: string, key: keyof EpochRecord & string) =>
    epochs.map((r) => ({ series, epoch: Number(r.epoch), value: Number(r[key]) }));
  return [
    { label: 'loss', points: [...of('training', 'trainLoss'), ...of('test', 'testLoss')] },
    { label: 'accuracy %', scale: 'linear', points: [...of('training', 'trainAccuracy'), ...of('test', 'testAccuracy')] },
    { label: 'learning rate', scale: 'linear', points: of('learning rate', 'lrUsed') },
  ];
}
