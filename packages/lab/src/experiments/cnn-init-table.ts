import type { CurveSet } from '../report/index.js';
import type { ResultTable } from '../tables/index.js';
import type { CnnInitConfig, CnnInitEpoch } from './cnn-init.js';
import { type CnnInitStrategy, cnnInitFashionMnist, cnnInitPublished } from './reference.js';

/** Last epoch of every training, by strategy in the table's order. */
function lastEpochs(config: CnnInitConfig, epochs: readonly CnnInitEpoch[]): Map<string, CnnInitEpoch[]> {
  const rows = new Map<string, CnnInitEpoch[]>(config.strategies.map((s) => [s, []]));
  for (const strategy of config.strategies)
    for (const seed of config.seeds) {
      const last = epochs.filter((line) => line.strategy === strategy && line.seed === seed).at(-1);
      if (last) rows.get(strategy)?.push(last);
    }
  return rows;
}

/** The five-strategy table beside the published one; differences only where data and recipe are the same. */
export function cnnInitTable(config: CnnInitConfig, epochs: readonly CnnInitEpoch[]): ResultTable {
  const cifar = config.dataset === 'cifar10';
  const reference = cifar ? cnnInitPublished : cnnInitFashionMnist;
  const whole = config.trainImages === (cifar ? 50_000 : 60_000) && config.epochs === 8 && config.maxSteps === null;
  const finite = (value: unknown): number => Number(value);
  return {
    title: `Five initialisations of a vanilla CNN: ${config.dataset}, ${config.trainImages.toLocaleString('en-US')} images, ${config.epochs} epochs`,
    rowLabel: 'strategy',
    metrics: [
      { key: 'loss', label: 'final training loss', digits: 4, better: 'lower' },
      { key: 'accuracy', label: 'test accuracy %', digits: 2, better: 'higher' },
    ],
    rows: [...lastEpochs(config, epochs)].map(([name, lines]) => ({
      name,
      measured: { loss: lines.map((l) => finite(l.trainLoss)), accuracy: lines.map((l) => finite(l.testAccuracy)) },
      published: reference.rows[name as CnnInitStrategy],
    })),
    publishedLabel: reference.label,
    comparable: whole,
    notes: whole
      ? [reference.source]
      : ['Fewer images, epochs or steps than published: compare the order of the strategies, not the numbers.'],
  };
}

/** Loss and accuracy over epochs, a colour per strategy. */
export function cnnInitCurves(config: CnnInitConfig, epochs: readonly CnnInitEpoch[]): CurveSet[] {
  const curve = (label: string, pick: (line: CnnInitEpoch) => number, scale: 'auto' | 'linear' = 'auto'): CurveSet => ({
    label,
    scale,
    points: epochs
      .filter((l) => config.strategies.includes(l.strategy))
      .map((l) => ({ series: l.strategy, seed: l.seed, epoch: l.epoch, value: Number(pick(l)) })),
  });
  return [curve('training loss', (l) => l.trainLoss), curve('test accuracy %', (l) => l.testAccuracy, 'linear')];
}
