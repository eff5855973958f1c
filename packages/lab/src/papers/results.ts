import { type BySeed, type Difference, differenceOf, type Sample, sampleOf, welchDifference } from '../statistics/index.js';
import type { Cell, CellRun, PlannedPart } from './cells.js';
import { type MetricName, metrics, type Outcome } from './metrics.js';
import type { Published, RowSpec, Scale } from './table-spec.js';

/** What became of a run. */
export type RunState =
  | { readonly kind: 'done'; readonly outcome: Outcome }
  /** Not made yet, or half done. */
  | { readonly kind: 'missing' }
  /** It could not be made. */
  | { readonly kind: 'failed'; readonly why: string };

/** A metric of a cell over its seeds. */
export interface CellMetric {
  readonly values: BySeed;
  /** Absent without values. */
  readonly sample?: Sample;
}

/** A cell with all that can be said of it. */
export interface CellResult {
  readonly row: RowSpec;
  /** Why it does not apply; then nothing else is there. */
  readonly excluded?: string;
  readonly metrics: Readonly<Partial<Record<MetricName, CellMetric>>>;
  /** Runs that are there, by seed. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
  /** Runs that are there, and that are wanted. */
  readonly done: number;
  readonly wanted: number;
  /** Epochs that runs diverged in, by seed. */
  readonly diverged: ReadonlyMap<number, number>;
  /** Why runs failed, by seed. */
  readonly failed: ReadonlyMap<number, string>;
  /** First metric, this row less the baseline's: paired where all seeds are shared. Absent for the baseline itself. */
  readonly toBaseline?: Difference;
  readonly published?: Published;
  /** First metric less the published value; only where scale and recipe are the paper's. */
  readonly toPublished?: Difference & { readonly agrees: boolean };
}

/** A part's results, column by column. */
export interface PartResult {
  readonly planned: PlannedPart;
  readonly scale: Scale;
  readonly columns: readonly { readonly name: string; readonly label: string; readonly cells: readonly CellResult[] }[];
}

/** Puts outcomes into the cells of a part and compares them. `stateOf` tells of a run by its cell's place. */
export function partResult(planned: PlannedPart, scale: Scale, stateOf: (cell: Cell, run: CellRun) => RunState): PartResult {
  const { part } = planned;
  const columns = planned.columns.map(({ spec, label }) => {
    const cells = planned.cells.filter((cell) => cell.column === spec);
    const measured = cells.map((cell) => ({ cell, states: cell.runs.map((run) => ({ run, state: stateOf(cell, run) })) }));
    const [first] = part.metrics;
    const valuesOf = (states: (typeof measured)[number]['states'], name: MetricName): BySeed =>
      new Map(
        states.flatMap(({ run, state }) => {
          const value = state.kind === 'done' ? metrics[name].of(state.outcome) : undefined;
          return value === undefined ? [] : [[run.seed, value] as const];
        }),
      );
    const baseline = measured.find(({ cell }) => cell.row.name === part.baseline);
    const base = baseline && first ? valuesOf(baseline.states, first) : undefined;
    const results = measured.map(({ cell, states }): CellResult => {
      const found = Object.fromEntries(
        part.metrics.map((name) => {
          const values = valuesOf(states, name);
          return [name, { values, ...(values.size > 0 ? { sample: sampleOf([...values.values()]) } : {}) }] as const;
        }),
      );
      const own = first && found[first];
      const published = first && cell.row.published?.[spec.name]?.[first];
      return {
        row: cell.row,
        ...(cell.excluded === undefined ? {} : { excluded: cell.excluded }),
        metrics: found,
        outcomes: new Map(states.flatMap(({ run, state }) => (state.kind === 'done' ? [[run.seed, state.outcome] as const] : []))),
        done: states.filter(({ state }) => state.kind === 'done').length,
        wanted: states.length,
        diverged: new Map(
          states.flatMap(({ run, state }) =>
            state.kind === 'done' && state.outcome.divergedIn !== undefined ? [[run.seed, state.outcome.divergedIn] as const] : [],
          ),
        ),
        failed: new Map(states.flatMap(({ run, state }) => (state.kind === 'failed' ? [[run.seed, state.why] as const] : []))),
        ...(base && base.size > 0 && own && own.values.size > 0 && cell.row.name !== part.baseline
          ? { toBaseline: differenceOf(own.values, base) }
          : {}),
        ...(published ? { published } : {}),
        ...(published && own?.sample && scale === 'full' ? { toPublished: toPublished(own.sample, published, spec.spread) } : {}),
      };
    });
    return { name: spec.name, label, cells: results };
  });
  return { planned, scale, columns };
}

/**
 * Does a measured mean agree with a published one? Where both have a spread: when Welch's interval holds 0. Where one is of a
 * single run: when they lie within two standard deviations of the difference, by the column's known spread of one run, else by
 * the spread that one of them has. Without any spread nothing is said, and that counts as agreement.
 */
function toPublished(own: Sample, published: Published, spread: number | undefined): Difference & { agrees: boolean } {
  const difference = welchDifference(own, published);
  if (difference.interval) return { ...difference, agrees: difference.interval.low <= 0 && difference.interval.high >= 0 };
  const known = spread ?? own.std ?? published.std;
  const bound = known === undefined ? Number.POSITIVE_INFINITY : 2 * known * Math.sqrt(1 / own.count + 1 / published.count);
  return { ...difference, agrees: Math.abs(difference.mean) <= bound };
}
