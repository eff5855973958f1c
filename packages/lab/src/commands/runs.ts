import path from 'node:path';
import { InitlabError } from '@initlab/core';
import { isHeld, RunError, readRun } from '../run/index.js';
import { conditionOf, findRuns, orderOf, type RunSummary, runsCsv, runsGrid, summarizeRun } from '../runs/index.js';
import { storedKey } from '../sweep/run-key.js';
import { gridText } from '../tables/index.js';
import { runsFolder } from './table-report.js';

export interface RunsOptions {
  /** `arch=resnet56`; all must fit. */
  readonly where?: readonly string[];
  /** `best`, `-best`. */
  readonly sort?: string;
  readonly csv?: boolean;
  readonly json?: boolean;
  /** Look at every seal. */
  readonly verify?: boolean;
}

/** `initlab runs`: lists and compares the runs below a folder. Returns the exit status: 1 where `--verify` found something altered. */
export async function runsCommand(
  root: string = runsFolder,
  { where = [], sort = 'run', csv, json, verify }: RunsOptions = {},
): Promise<number> {
  const conditions = where.map(conditionOf);
  const order = orderOf(sort);
  const all = findRuns(root).map((folder) => summarizeRun(folder, { root }));
  const runs = all.filter((run) => conditions.every((fits) => fits(run))).sort(order);
  const altered = verify ? await findAltered(runs) : undefined;
  if (json)
    process.stdout.write(
      `${JSON.stringify(runs.map((run) => ({ ...run, ...(altered ? { altered: altered.get(run.folder) ?? null } : {}) })))}\n`,
    );
  else if (csv) process.stdout.write(runsCsv(runs));
  else {
    const color = process.stdout.isTTY === true;
    const title =
      runs.length === all.length
        ? `${all.length} ${all.length === 1 ? 'run' : 'runs'} in ${root}`
        : `${runs.length} of ${all.length} runs in ${root}`;
    process.stdout.write(
      runs.length > 0
        ? `${gridText(runsGrid(runs, { title }), { color, width: color ? process.stdout.columns : undefined })}\n`
        : `${title}\n`,
    );
  }
  if (!altered) return 0;
  for (const message of altered.values()) process.stderr.write(`initlab: ${message}\n`);
  process.stderr.write(`${runs.length} runs verified, ${altered.size === 0 ? 'none' : altered.size} altered.\n`);
  return altered.size > 0 ? 1 : 0;
}

/** What was changed since it was written, by the run's folder. */
async function findAltered(runs: readonly RunSummary[]): Promise<Map<string, string>> {
  const altered = new Map<string, string>();
  for (const { folder } of runs)
    try {
      // Of a run that is being made the checkpoint and the log need not belong to one moment.
      const { config } = await readRun(folder, { all: !isHeld(folder) });
      const key = path.basename(path.dirname(folder)) === 'by-hash' ? storedKey(config) : undefined;
      if (key !== undefined && key !== path.basename(folder))
        throw new RunError(folder, `holds the run ${key}: a folder that was moved or copied here.`);
    } catch (error) {
      // Settings that this initlab does not know are no RunError.
      if (!(error instanceof InitlabError)) throw error;
      altered.set(folder, error.message);
    }
  return altered;
}
