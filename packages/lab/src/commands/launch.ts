import { realpathSync } from 'node:fs';
import path from 'node:path';
import { InitlabError } from '@initlab/core';
import { readGivenJson } from '../files/given-file.js';
import { checkSlurm, type SlurmInput, type SlurmSettings, type Submission, slurmSettings, submit } from '../launch/index.js';
import { type StoredTable, storeTable } from '../papers/index.js';
import { failureOf, isDone, type SweepRun } from '../sweep/index.js';
import { launchLines } from './launch-text.js';
import { printTable } from './print-table.js';
import { reportTable } from './table-report.js';

/** Options of `sweep` and `table run` that choose who makes the runs. */
export interface LaunchOptions extends Partial<Omit<SlurmInput, 'maxParallel' | 'signalSeconds'>> {
  readonly launcher?: 'slurm';
  /** A JSON file of what a job is asked for. */
  readonly slurm?: string;
  readonly maxParallel?: number;
}

const optionNames = {
  ...{ slurm: '--slurm', partition: '--partition', account: '--account', time: '--time', gres: '--gres', gpus: '--gpus' },
  ...{ setup: '--setup', sbatch: '--sbatch', runsPerTask: '--runs-per-task', maxParallel: '--max-parallel' },
} as const;
const settingNames = Object.keys(optionNames).filter((name) => name !== 'slurm') as Exclude<keyof typeof optionNames, 'slurm'>[];

/** What Slurm is to be asked for; undefined where the runs are made here. Throws InitlabError naming what is wrong. */
export async function launchSettings(options: LaunchOptions): Promise<SlurmSettings | undefined> {
  if (options.launcher === undefined) {
    const idle = Object.entries(optionNames).find(([name]) => options[name as keyof LaunchOptions] !== undefined);
    if (idle) throw new InitlabError(`${idle[1]}: goes with --launcher slurm`);
    return undefined;
  }
  const origin = options.slurm === undefined ? '--launcher slurm' : `--slurm ${options.slurm}`;
  const stored = options.slurm === undefined ? {} : await readGivenJson(options.slurm, { name: origin });
  if (stored === null || typeof stored !== 'object' || Array.isArray(stored))
    throw new InitlabError(`${origin}: holds no object of settings, such as { "partition": "gpu", "gres": "gpu:1", "time": "4:00:00" }`);
  const given = Object.fromEntries(settingNames.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
  const settings = slurmSettings({ ...stored, ...given }, { origin });
  await checkSlurm();
  return settings;
}

export interface LaunchPlace {
  readonly root: string;
  /** `sweep`, or a table's id. */
  readonly title: string;
  readonly settings: SlurmSettings;
  readonly dataDir: string | undefined;
  readonly jobs: number | undefined;
  readonly tensorboard: boolean | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
}

/** Sends what is missing and comes back at once; where nothing is, the report. Returns the exit status. */
export async function launchAndReport(stored: StoredTable, runs: readonly SweepRun[], options: LaunchPlace): Promise<number> {
  const { settings, title, dataDir, jobs, tensorboard, quiet, json } = options;
  const root = path.resolve(options.root);
  const place = path.join(root, 'by-hash');
  const failed = runs.flatMap(({ key, label }) => {
    const why = isDone(place, key) ? undefined : failureOf(path.join(place, key));
    return why === undefined ? [] : [{ label, why }];
  });
  const tableFolder = await storeTable(root, stored);
  const submission = await submit(runs, {
    ...{ root, tableFolder, title, settings, jobs, tensorboard, dataDir: dataDir === undefined ? undefined : path.resolve(dataDir) },
    ...{ cwd: process.cwd(), command: ownCommand(), env: ownEnvironment() },
  });
  const { done } = submission;
  const report = done > 0 ? await reportTable(stored, { root }) : undefined;
  if (report && done === runs.length) {
    printTable(report, { json });
    return 0;
  }
  if (json) process.stdout.write(`${JSON.stringify(launchJson(submission, { runs, report: report?.report }))}\n`);
  else if (!quiet || submission.jobs.length > 0) {
    const again = stored.sweep ? undefined : `npx initlab table report ${stored.table} --scale ${stored.scale} --root ${options.root}`;
    const shown = { title, total: runs.length, root: options.root, report: report?.report, reportCommand: again, failed, quiet };
    process.stdout.write(`${launchLines(submission, { ...shown, settings }).join('\n')}\n`);
  }
  return submission.refused === undefined ? 0 : 1;
}

function launchJson(submission: Submission, { runs, report }: { runs: readonly SweepRun[]; report: string | undefined }): object {
  const { inHand, again, ...sent } = submission;
  return {
    ...{ launcher: 'slurm', runs: runs.length, ...sent, inHand: inHand.runs, again: Object.fromEntries(again) },
    ...(report === undefined ? {} : { report }),
  };
}

/** This very command: a node of the cluster finds it by its path. */
const ownCommand = (): string[] => [process.execPath, ...process.execArgv, realpathSync(process.argv[1] as string)];

/** What of the environment decides how runs are made. */
const ownEnvironment = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (name.startsWith('INITLAB_') && value !== undefined ? [[name, value]] : [])),
  );
