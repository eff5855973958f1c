import { type CellResult, metrics, type Outcome, type PartResult } from '../papers/index.js';
import type { EpochRecord } from '../train/make-run.js';
import type { BandSet } from './band-spec.js';
import { type BandInput, bands } from './bands.js';
import { momentOf, probeFigures } from './probe-figures.js';

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

/**
 * What was seen inside the nets of a column's rows, beside each other: at initialisation, and at the last moment that all of them saw
 * which came to their end. Nothing where nobody looked.
 */
export function depthFigures({ planned, columns }: PartResult): TableFigure[] {
  return columns.flatMap(({ name, label, cells }) => {
    const outcomes = cells.flatMap((cell) => [...cell.outcomes.values()]).filter(({ probes = [] }) => probes.length > 0);
    const lived = outcomes.filter(({ divergedIn }) => divergedIn === undefined);
    const [first, ...others] = (lived.length > 0 ? lived : outcomes).map(({ probes = [] }) => probes.map(({ step }) => step));
    const shared = (first ?? []).filter((step) => others.every((steps) => steps.includes(step)));
    const byMoment = [...new Set([...shared.slice(0, 1), ...shared.slice(-1)])].map((step) => {
      const series = cells
        .filter((cell) => cell.outcomes.size > 0)
        .map((cell) => ({
          name: cell.row.name,
          looks: [...cell.outcomes.values()].flatMap(({ probes = [] }) => probes.filter((probe) => probe.step === step)),
        }));
      return probeFigures(series, { moment: momentOf(step), of: label }).map((figure) => ({
        ...figure,
        quantity: figure.name,
        name: fileName(planned.part.name, name, figure.name, `step-${step}`),
      }));
    });
    // The moments of one quantity beside each other.
    const quantities = new Set(byMoment.flatMap((figures) => figures.map(({ quantity }) => quantity)));
    return [...quantities].flatMap((wanted) =>
      byMoment.flatMap((figures) => figures.flatMap(({ quantity, ...figure }) => (quantity === wanted ? [figure] : []))),
    );
  });
}

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

function overAxis({ planned: { part, columns }, columns: results, scale }: PartResult): TableFigure {
  const [metric] = part.metrics;
  const rows = [...new Set(results.flatMap(({ cells }) => cells.map(({ row }) => row.name)))];
  const cellOf = (cells: readonly CellResult[], row: string) => cells.find((cell) => cell.row.name === row);
  return {
    name: fileName(part.name, String(metric)),
    title: part.title,
    // The title is the paper's: what the numbers are of must stand beside them.
    ...(scale === 'full' ? {} : { subtitle: `scale ${scale}: ${part.at[scale].label}` }),
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

const fileName = (...parts: readonly string[]): string => parts.map((part) => part.replaceAll(/[^\w.]+/g, '-')).join('-');
