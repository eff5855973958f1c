import { type CellResult, metrics, type Outcome, type PartResult } from '../papers/index.js';
import type { EpochRecord } from '../train/run-training.js';
import type { BandPoint, BandSet } from './band-spec.js';

/** A picture of a table or sweep, and the name of its file. */
export interface TableFigure extends BandSet {
  /** `results-resnet56-test-accuracy`. */
  readonly name: string;
}

const curves = [
  { name: 'test-accuracy', label: 'test accuracy %', scale: 'linear', of: (e: EpochRecord) => e.testAccuracy },
  { name: 'training-loss', label: 'training loss', scale: 'auto', of: (e: EpochRecord) => e.trainLoss },
  { name: 'learning-rate', label: 'learning rate', scale: 'linear', of: (e: EpochRecord) => e.lrUsed },
] as const;

/** Learning curves for each column; of a part that has an axis, its first metric over that axis. Those without a point are left out. */
export function tableFigures(result: PartResult): TableFigure[] {
  const figures = result.planned.part.axis ? [overAxis(result)] : result.columns.flatMap((column) => overEpochs(result, column));
  return figures.filter(({ points }) => points.length > 0);
}

function overEpochs({ planned }: PartResult, { name, label, cells }: PartResult['columns'][number]): TableFigure[] {
  const ran = cells.filter(({ outcomes }) => outcomes.size > 0);
  return curves.map((curve): TableFigure => {
    const valuesOf = (outcome: Outcome): BandInput[] => outcome.epochs.map((epoch) => ({ x: epoch.epoch, value: Number(curve.of(epoch)) }));
    return {
      name: fileName(planned.part.name, name, curve.name),
      title: `${label}: ${curve.label}`,
      label: curve.label,
      scale: curve.scale,
      series: ran.map(({ row }) => row.name),
      points: ran.flatMap(({ row, outcomes }) => bands(row.name, [...outcomes.values()].flatMap(valuesOf))),
      diverged: ran.flatMap(({ row, outcomes }) =>
        [...outcomes.values()].flatMap((outcome) => {
          const last = valuesOf(outcome).findLast(({ value }) => Number.isFinite(value));
          return outcome.divergedIn !== undefined && last ? [{ series: row.name, x: last.x, mean: last.value }] : [];
        }),
      ),
    };
  });
}

function overAxis({ planned: { part, columns }, columns: results }: PartResult): TableFigure {
  const [metric] = part.metrics;
  const rows = [...new Set(results.flatMap(({ cells }) => cells.map(({ row }) => row.name)))];
  const cellOf = (cells: readonly CellResult[], row: string) => cells.find((cell) => cell.row.name === row);
  return {
    name: fileName(part.name, String(metric)),
    title: part.title,
    label: metric ? metrics[metric].label : '',
    scale: 'linear',
    series: rows,
    points: rows.flatMap((row) =>
      bands(
        row,
        results.flatMap(({ name, cells }) => {
          const x = columns.find(({ spec }) => spec.name === name)?.spec.x;
          const found = metric && cellOf(cells, row)?.metrics[metric];
          return x === undefined || !found ? [] : [...found.values.values()].map((value) => ({ x, value }));
        }),
      ),
    ),
    ...(part.axis ? { axis: part.axis } : {}),
  };
}

interface BandInput {
  readonly x: number;
  readonly value: number;
}

/** Mean, least and greatest of the finite values at each place. */
function bands(series: string, values: readonly BandInput[]): BandPoint[] {
  const places = new Map<number, number[]>();
  for (const { x, value } of values)
    if (Number.isFinite(value)) {
      const there = places.get(x);
      if (there) there.push(value);
      else places.set(x, [value]);
    }
  return [...places]
    .sort(([a], [b]) => a - b)
    .map(([x, all]) => ({ series, x, mean: all.reduce((a, b) => a + b, 0) / all.length, low: Math.min(...all), high: Math.max(...all) }));
}

const fileName = (...parts: readonly string[]): string => parts.map((part) => part.replaceAll(/[^\w.]+/g, '-')).join('-');
