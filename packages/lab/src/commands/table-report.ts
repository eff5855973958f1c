import path from 'node:path';
import {
  addedRows,
  type CellResult,
  type PartResult,
  partResult,
  planTable,
  type RunState,
  type StoredTable,
  tableOf,
} from '../papers/index.js';
import { writeTableReport } from '../report/table-report.js';
import { failureOf, runState } from '../sweep/index.js';

/** Where runs lie unless said otherwise. */
export const runsFolder = 'runs';

/** A table with its results, and where its report lies. */
export interface ReportedTable {
  readonly stored: StoredTable;
  readonly parts: readonly PartResult[];
  readonly report: string;
}

/** Reads the results of a stored table and writes its report beside it. */
export async function reportTable(
  stored: StoredTable,
  { root, failed = new Map() }: { root: string; failed?: ReadonlyMap<string, string> },
): Promise<ReportedTable> {
  const table = tableOf(stored);
  const added = addedRows(
    table,
    stored.added.map(({ file }) => file),
  );
  const { scale, seeds, rows, columns, parts } = stored;
  const planned = planTable(table, { scale, seeds, rows, columns, parts, added });
  const states = new Map<string, RunState>();
  for (const { key } of stored.runs) {
    const why = failed.get(key);
    if (!states.has(key)) states.set(key, why === undefined ? await stateOf(root, key) : { kind: 'failed', why });
  }
  const keyOf = new Map(stored.runs.map((run) => [placeOf(run), run.key]));
  const results = planned.map((part) =>
    partResult(part, scale, (cell, { seed }) => {
      const key = keyOf.get(placeOf({ part: part.part.name, row: cell.row.name, column: cell.column.name, seed }));
      return (key === undefined ? undefined : states.get(key)) ?? { kind: 'missing' };
    }),
  );
  return {
    stored,
    parts: results,
    report: await writeTableReport(root, { table, stored, parts: results }),
  };
}

const placeOf = ({ part, row, column, seed }: { part: string; row: string; column: string; seed: number }): string =>
  JSON.stringify([part, row, column, seed]);

/** A folder that was altered is told of in its cell; the other cells stand. */
async function stateOf(root: string, key: string): Promise<RunState> {
  try {
    const state = await runState(path.join(root, 'by-hash'), key);
    const why = state.kind === 'missing' ? failureOf(path.join(root, 'by-hash', key)) : undefined;
    return why === undefined ? state : { kind: 'failed', why };
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

/** Everything in one object: what `--json` prints. */
export function tableJson({ stored, parts, report }: ReportedTable): object {
  const { runs, ...choice } = stored;
  return {
    ...choice,
    report,
    complete: parts.every(({ columns }) => columns.every(({ cells }) => cells.every((cell) => cell.done === cell.wanted))),
    parts: parts.map(({ planned, columns }) => ({
      name: planned.part.name,
      title: planned.part.title,
      comparable: stored.scale === 'full',
      columns: columns.map(({ name, label, cells }) => ({
        name,
        label,
        rows: cells.map(({ row, metrics, diverged, failed, outcomes, ...cell }) => ({
          name: row.name,
          metrics: Object.fromEntries(
            Object.entries(metrics).map(([metric, { values, sample }]) => [metric, { ...sample, bySeed: Object.fromEntries(values) }]),
          ),
          diverged: Object.fromEntries(diverged),
          failed: Object.fromEntries(failed),
          ...probesJson(outcomes),
          ...cell,
        })),
      })),
    })),
    runs,
  };
}

/** What was seen inside the nets at first and at last, by seed; nothing where nobody looked. */
function probesJson(outcomes: CellResult['outcomes']): object {
  const seen = [...outcomes].flatMap(([seed, { probes = [] }]) =>
    probes.length > 0 ? [[seed, [...new Set([probes[0], probes.at(-1)])]] as const] : [],
  );
  return seen.length > 0 ? { probes: Object.fromEntries(seen) } : {};
}
