import { InitlabError } from '@initlab/core';
import { type TrainConfig, type TrainSettings, trainConfig } from '../train/train-config.js';
import type { ColumnSpec, PartSpec, RowSpec, Scale, TableSpec } from './table-spec.js';

/** A run that a cell needs. */
export interface CellRun {
  readonly seed: number;
  readonly config: TrainConfig;
}

/** Where a row and a column meet: the runs it needs, or why it has none. */
export interface Cell {
  readonly row: RowSpec;
  readonly column: ColumnSpec;
  readonly runs: readonly CellRun[];
  /** Why the cell does not apply. */
  readonly excluded?: string;
}

/** A part at one scale: its rows and columns, chosen and labelled, and the cells row by row. */
export interface PlannedPart {
  readonly part: PartSpec;
  readonly rows: readonly RowSpec[];
  readonly columns: readonly { readonly spec: ColumnSpec; readonly label: string }[];
  readonly seeds: readonly number[];
  readonly cells: readonly Cell[];
}

/** What of a table is wanted. */
export interface TableChoice {
  readonly scale: Scale;
  /** Default: the paper's at full scale, else its first; a part may have its own. */
  readonly seeds?: readonly number[] | undefined;
  /** Names of rows; default all. */
  readonly rows?: readonly string[] | undefined;
  /** Names of columns; default all. */
  readonly columns?: readonly string[] | undefined;
  /** Names of parts; default all. */
  readonly parts?: readonly string[] | undefined;
  /** Rows of one's own, in every part. */
  readonly added?: readonly RowSpec[] | undefined;
  /** Steps from one look inside the nets to the next; default never. */
  readonly probe?: number | undefined;
}

/** Rows × columns as settings of runs. Throws for a name that the table does not have. */
export function planTable(table: TableSpec, choice: TableChoice): PlannedPart[] {
  const known = (of: (part: PartSpec) => readonly string[]): string[] => [...new Set(table.parts.flatMap(of))];
  checkNames(
    table.id,
    'part',
    choice.parts,
    table.parts.map((part) => part.name),
  );
  checkNames(
    table.id,
    'row',
    choice.rows,
    known((part) => [...part.rows, ...(choice.added ?? [])].map((row) => row.name)),
  );
  checkNames(
    table.id,
    'column',
    choice.columns,
    known((part) => part.columns.map((column) => column.name)),
  );
  return table.parts
    .filter((part) => choice.parts?.includes(part.name) ?? true)
    .map((part) => planPart(table, part, choice))
    .filter(({ rows, columns }) => rows.length > 0 && columns.length > 0);
}

function planPart(table: TableSpec, part: PartSpec, { scale, added = [], ...choice }: TableChoice): PlannedPart {
  const own = part.at[scale];
  const seeds = choice.seeds ?? own.seeds ?? (scale === 'full' ? table.seeds : table.seeds.slice(0, 1));
  const rows = [...part.rows.filter((row) => choice.rows?.includes(row.name) ?? true), ...added];
  const columns = part.columns.flatMap((spec) => {
    const small = scale === 'full' ? { label: spec.label, settings: {} } : spec.at[scale];
    const wanted = choice.columns?.includes(spec.name) ?? true;
    return small && wanted ? [{ spec, label: small.label, settings: { ...spec.settings, ...small.settings } }] : [];
  });
  const cells = rows.flatMap((row) =>
    columns.map(({ spec, settings }): Cell => {
      const excluded = row.excluded?.[spec.name];
      if (excluded !== undefined) return { row, column: spec, runs: [], excluded };
      const merged: TrainSettings = { ...part.recipe, ...settings, ...own.settings, ...row.settings };
      const arch = row.arch && merged.arch !== undefined ? { arch: row.arch(merged.arch) } : {};
      const looking = choice.probe === undefined ? {} : { probe: choice.probe };
      const origin = `${table.id}, ${row.name}, ${spec.name}`;
      return {
        row,
        column: spec,
        runs: seeds.map((seed) => ({ seed, config: trainConfig({ ...merged, ...arch, seed, ...looking }, { origin }) })),
      };
    }),
  );
  return { part, rows, columns: columns.map(({ spec, label }) => ({ spec, label })), seeds, cells };
}

function checkNames(table: string, kind: string, wanted: readonly string[] | undefined, known: readonly string[]): void {
  const wrong = wanted?.find((name) => !known.includes(name));
  if (wrong !== undefined) throw new InitlabError(`${table} has no ${kind} "${wrong}"; its ${kind}s are ${known.join(', ')}`);
}
