import path from 'node:path';
import {
  addedRows,
  findTable,
  planTable,
  readStoredTable,
  type Scale,
  type StoredTable,
  storeTable,
  type TableSpec,
  tables,
} from '../papers/index.js';
import { isDone, listRuns, type SweepEnd, type SweepRun } from '../sweep/index.js';
import { wrapText } from '../tables/text-width.js';
import { openTunedDevice } from '../tune/index.js';
import { type LaunchOptions, launchAndReport, launchSettings } from './launch.js';
import { makeRuns } from './make-runs.js';
import { printTable } from './print-table.js';
import { reportTable, runsFolder } from './table-report.js';

/** What of a table is to be made, and where. */
export interface TableRunOptions extends LaunchOptions {
  /** Default `full`. */
  readonly scale?: Scale;
  readonly seeds?: readonly number[];
  readonly only?: readonly string[];
  readonly columns?: readonly string[];
  readonly parts?: readonly string[];
  /** Files of one's own initialisations or norms: a row each. */
  readonly add?: readonly string[];
  readonly dataDir?: string;
  readonly download?: boolean;
  /** Folder of all runs. Default `runs`. */
  readonly root?: string;
  /** Steps from one look inside the nets to the next; default never. */
  readonly probe?: number;
  /** Trainings side by side. */
  readonly jobs?: number;
  /** Also write each run's metrics as TensorBoard reads them. */
  readonly tensorboard?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** `initlab table run ID`: makes the runs that are missing, then the report. Returns the exit status. */
export async function tableRunCommand(id: string, options: TableRunOptions): Promise<number> {
  const table = findTable(id);
  const { root = runsFolder, json = false, quiet = false, jobs, tensorboard, dataDir } = options;
  const settings = await launchSettings(options);
  const { stored, runs } = await planRuns(table, options);
  const making = { root, json, quiet, title: table.id, jobs, tensorboard };
  return settings ? launchAndReport(stored, runs, { ...making, settings, dataDir }) : makeAndReport(stored, runs, making);
}

interface MakeOptions {
  readonly root: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly title: string;
  readonly jobs: number | undefined;
  readonly tensorboard: boolean | undefined;
}

/** Makes the runs that are missing, then the report. Answers the exit status. */
export async function makeAndReport(stored: StoredTable, runs: readonly SweepRun[], options: MakeOptions): Promise<number> {
  const { root, json } = options;
  await storeTable(root, stored);
  const device = await openTunedDevice();
  let end: SweepEnd;
  try {
    end = await makeRuns(runs, { ...options, device, cells: cellsOf(stored) });
  } finally {
    device.close();
  }
  const reported = await reportTable(stored, { root, failed: end.failed });
  printTable(reported, { json });
  // A folder that was altered or exchanged counts as made until it is read.
  const refused = reported.parts.some(({ columns }) => columns.some(({ cells }) => cells.some(({ failed }) => failed.size > 0)));
  if (end.complete) return refused ? 1 : 0;
  const left = runs.filter(({ key }) => !isDone(path.join(root, 'by-hash'), key) && !end.failed.has(key)).length;
  const [which, them] = left === 1 ? ['1 run is', 'it'] : [`${left} runs are`, 'them'];
  if (left > 0) process.stderr.write(`${which} left. The same command goes on with ${them}.\n`);
  return end.failed.size > 0 ? 1 : 130;
}

/** The runs of a table's cells, and what its folder is to say of them. */
async function planRuns(table: TableSpec, options: TableRunOptions): Promise<{ stored: StoredTable; runs: SweepRun[] }> {
  const { scale = 'full', seeds, only, columns, parts, probe, add = [], dataDir, download = false } = options;
  const added = addedRows(table, add);
  const planned = planTable(table, { scale, seeds, rows: only, columns, parts, added, probe });
  const places = planned.flatMap(({ part, cells }) =>
    cells.flatMap(({ row, column, runs }) => runs.map((run) => ({ ...run, part: part.name, row: row.name, column: column.name }))),
  );
  const wanted = places.map(({ row, seed, config }) => ({ label: `${row}, ${config.arch}, seed ${seed}`, config }));
  const { runs, keys } = await listRuns(wanted, { dataDir, download });
  const stored: StoredTable = {
    ...{ table: table.id, scale, added: added.map(({ name }, i) => ({ name, file: add[i] as string })) },
    ...(seeds ? { seeds: [...seeds] } : {}),
    ...(only ? { rows: [...only] } : {}),
    ...(columns ? { columns: [...columns] } : {}),
    ...(parts ? { parts: [...parts] } : {}),
    runs: places.map(({ part, row, column, seed }, i) => ({ part, row, column, seed, key: keys[i] as string })),
  };
  return { stored, runs };
}

/** Keys of the runs that each cell needs. */
function cellsOf({ runs }: StoredTable): string[][] {
  const cells = new Map<string, string[]>();
  for (const { part, row, column, key } of runs) {
    const cell = JSON.stringify([part, row, column]);
    cells.set(cell, [...(cells.get(cell) ?? []), key]);
  }
  return [...cells.values()];
}

/** `initlab table report ID`: the report from what is there, without training. */
export async function tableReportCommand(
  id: string,
  { scale, root = runsFolder, json = false }: { scale?: Scale; root?: string; json?: boolean },
): Promise<number> {
  printTable(await reportTable(await readStoredTable(root, { table: findTable(id).id, scale }), { root }), { json });
  return 0;
}

/** For 80 columns; what goes on in the next line stands under the text of the first. */
const wrapped = (line: string): string[] => wrapText(line, 80, { indent: ' '.repeat(/^ *(?:\w+ {2,})?/.exec(line)?.[0].length ?? 0) });

/** `initlab table list`. */
export function tableListCommand({ json = false }: { json?: boolean }): number {
  const rows = tables.map(({ id, title, source, parts }) => ({ id, title, source, parts: parts.map((part) => part.name) }));
  process.stdout.write(
    json
      ? `${JSON.stringify(rows)}\n`
      : `${rows.flatMap(({ id, title, source }) => [`${id.padEnd(16)} ${title}`, ...wrapped(`${' '.repeat(17)}${source}`)]).join('\n')}\n`,
  );
  return 0;
}

/** `initlab table show ID`: what it would train, and what was published. */
export function tableShowCommand(id: string, { scale = 'full', json = false }: { scale?: Scale; json?: boolean }): number {
  const table = findTable(id);
  const planned = planTable(table, { scale });
  if (json) {
    process.stdout.write(`${JSON.stringify({ id, scale, parts: planned })}\n`);
    return 0;
  }
  const lines = [table.title, ...wrapped(table.source), ...wrapped(`Published: ${table.publishedLabel}.`), ''];
  for (const { part, rows, columns, seeds, cells } of planned) {
    const runs = cells.reduce((sum, cell) => sum + cell.runs.length, 0);
    lines.push(...wrapped(`${part.name}: ${part.title}`));
    lines.push(...wrapped(`  ${part.at[scale].label}; ${seeds.length} seed${seeds.length === 1 ? '' : 's'}, ${runs} runs`));
    lines.push(...wrapped(`  rows     ${rows.map((row) => row.name).join(', ')}`));
    const labelled = columns.map(({ spec: { name }, label }) => (label === name ? name : `${name} (${label})`));
    lines.push(...wrapped(`  columns  ${labelled.join(', ')}`));
    for (const { label, spec } of columns) if (spec.publishedLabel) lines.push(...wrapped(`  ${label} published: ${spec.publishedLabel}`));
    lines.push('');
  }
  process.stdout.write(`${lines.join('\n')}`);
  return 0;
}
