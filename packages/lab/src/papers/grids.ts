import type { Grid } from '../tables/index.js';
import { type MetricName, type MetricSpec, metrics } from './metrics.js';
import type { CellResult, PartResult } from './results.js';
import type { ColumnSpec, Published } from './table-spec.js';
import { showDifference, showSample, showVerdict } from './table-text.js';

/** A column of a grid: its heading, and what stands in it for a row. */
interface Shown {
  readonly text: string;
  readonly numeric: boolean;
  of(cell: CellResult): string;
}

/** A part as grids, one per column: measured, published, the difference to the baseline with its interval, what became of runs. */
export const partGrids = (result: PartResult): Grid[] => result.columns.map((_, i) => columnGrid(result, i));

function columnGrid({ planned, scale, columns }: PartResult, index: number): Grid {
  const { part, seeds } = planned;
  const { label, cells } = columns[index] as PartResult['columns'][number];
  const { spec } = planned.columns[index] as { spec: ColumnSpec };
  const main: MetricSpec = metrics[part.metrics[0] as MetricName];
  const shown = [
    { text: part.rowLabel, numeric: false, of: (cell) => cell.row.name },
    ...part.metrics.map((name): Shown => measured(name)),
    ...optional(cells, {
      text: scale === 'full' ? 'published' : 'published, full scale',
      numeric: true,
      of: ({ published }) => showPublished(published, main.digits),
    }),
    ...optional(cells, {
      text: 'less published',
      numeric: true,
      of: ({ toPublished: d }) => (d ? `${showDifference(d, main.digits)}${d.agrees ? '' : ' differs'}` : ''),
    }),
    ...optional(cells, {
      text: `less ${part.baseline} [95 %]`,
      numeric: true,
      of: ({ toBaseline: d }) => (d ? showDifference(d, main.digits) : ''),
    }),
    ...optional(cells, { text: '', numeric: false, of: ({ toBaseline }) => showVerdict(toBaseline, main.better) }),
    ...optional(cells, { text: seedsToFind, numeric: true, of: ({ toBaseline }) => showSeedsNeeded(toBaseline?.seedsNeeded) }),
    ...optional(cells, { text: '', numeric: false, of: noteOf }),
  ] satisfies Shown[];
  const best =
    spec.bestKnown === undefined || scale !== 'full' ? [] : [`Best entry known, one seed: ${spec.bestKnown.toFixed(main.digits)}.`];
  const maximum = part.metrics.some((name) => 'maximum' in metrics[name]);
  return {
    title: `${part.title}: ${label}`,
    // A number of another scale must not be taken for the paper's.
    subtitle: `${scale === 'full' ? '' : `scale ${scale}, not comparable with the published numbers: `}${part.at[scale].label}; ${showSeeds(seeds)}`,
    headings: shown.map(({ text, numeric }) => ({ text, numeric })),
    rows: cells.map((cell) => shown.map(({ of }) => of(cell))),
    notes: [
      ...(severalSeeds(cells) ? ['Mean ± deviation of single runs (seeds).'] : []),
      ...best,
      ...(shown.some(({ text }) => text === seedsToFind)
        ? ['Seeds to find it: a row, at which a difference of this size would be found in four of five tries.']
        : []),
      ...(maximum ? ['The best of many epochs is a maximum and lies too high; the last epoch’s stands beside it.'] : []),
      ...(cells.some((cell) => cell.published) && spec.publishedLabel ? [`Published: ${spec.publishedLabel}.`] : []),
    ],
  };
}

const seedsToFind = 'seeds to find it';

const severalSeeds = (cells: readonly CellResult[]): boolean =>
  cells.some(({ metrics: found }) => Object.values(found).some((each) => (each?.sample?.count ?? 0) > 1));

/** A column, unless it would be empty. */
const optional = (cells: readonly CellResult[], column: Shown): Shown[] => (cells.some((cell) => column.of(cell) !== '') ? [column] : []);

function measured(name: MetricName): Shown {
  const { label, digits }: MetricSpec = metrics[name];
  return {
    text: label,
    numeric: true,
    of: ({ excluded, metrics: found }) => (excluded === undefined ? showSample(found[name]?.sample, digits) : '—'),
  };
}

const showPublished = (published: Published | undefined, digits: number): string => (published ? showSample(published, digits) : '');

/** Seeds a row that a difference of this size would take to be found. */
const showSeedsNeeded = (seeds: number | undefined): string =>
  seeds === undefined ? '' : Number.isFinite(seeds) ? String(seeds) : '> 10000';

const showSeeds = (seeds: readonly number[]): string =>
  seeds.length > 6 ? `${seeds.length} seeds` : `seed${seeds.length === 1 ? '' : 's'} ${seeds.join(', ')}`;

/** What is to be known of a cell besides its numbers. */
function noteOf({ row, excluded, done, wanted, diverged, failed }: CellResult): string {
  if (excluded !== undefined) return excluded;
  const epochs = [...new Set(diverged.values())];
  return [
    ...(diverged.size > 0 ? [`${diverged.size} of ${wanted} diverged, in epoch ${epochs.join(', ')}`] : []),
    ...[...new Set(failed.values())].map((why) => `failed: ${why.split('\n')[0]}`),
    ...(done + failed.size < wanted ? [`${wanted - done - failed.size} of ${wanted} runs to do`] : []),
    ...(row.note ? [row.note] : []),
  ].join('; ');
}
