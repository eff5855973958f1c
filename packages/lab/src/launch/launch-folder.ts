import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { toldFaults } from '../files/told-fault.js';
import { makeFolder, RunError, readSealed, replaceFile, writeSealed } from '../run/index.js';
import { trainConfigSchema } from '../train/train-config.js';

const count = z.number().int().min(0);
const launchSchema = z.object({
  id: z.string(),
  /** What is trained: `sweep`, or a table's id. */
  title: z.string(),
  created: z.string(),
  /** Folder of all runs, absolute. */
  root: z.string(),
  dataDir: z.string().optional(),
  /** Trainings side by side in a task. */
  jobs: z.number().int().positive().optional(),
  /** Also write the runs' metrics as TensorBoard reads them. */
  tensorboard: z.boolean().optional(),
  runsPerTask: z.number().int().positive(),
  arrays: z.array(z.object({ name: z.string(), offset: count, tasks: count })),
  /** In order: task t makes those from t · runsPerTask on. */
  runs: z.array(z.object({ key: z.string(), label: z.string(), config: trainConfigSchema })),
});

/** A submission, as its folder holds it: which runs are whose. */
export type Launch = Readonly<z.infer<typeof launchSchema>>;

/** Files of a submission's folder. */
export const launchFiles = { launch: 'launch.json', script: 'job.sh', jobs: 'jobs.json', logs: 'logs' } as const;

/** Submissions of a table or sweep lie in this folder of its own. */
export const launchesOf = (tableFolder: string): string => path.join(tableFolder, 'slurm');

/** Writes it down, with its folder of logs: Slurm makes none, and a task without one fails before it begins. */
export async function writeLaunch(folder: string, launch: Launch, { script }: { script: string }): Promise<void> {
  await makeFolder(path.join(folder, launchFiles.logs));
  await replaceFile(path.join(folder, launchFiles.script), script);
  await writeSealed(path.join(folder, launchFiles.launch), launch);
}

/** Throws RunError where there is none, or something changed it. */
export async function readLaunch(folder: string): Promise<Launch> {
  const file = path.join(folder, launchFiles.launch);
  const stored = await readSealed(file);
  if (!stored) throw new RunError(folder, 'holds no submission (there is no launch.json). Send the runs again.');
  const parsed = launchSchema.safeParse(stored.value);
  if (!parsed.success) throw new RunError(file, `is not what this initlab writes: ${toldFaults(parsed.error)}`);
  return parsed.data;
}

/** The runs of a task. */
export const runsOfTask = ({ runs, runsPerTask }: Launch, task: number): Launch['runs'] =>
  runs.slice(task * runsPerTask, (task + 1) * runsPerTask);

/** A submission and where it lies. */
export interface StoredLaunch {
  readonly folder: string;
  readonly launch: Launch;
}

/**
 * All submissions below a folder of runs, of any of its tables and sweeps: a run that two of them share is one. One that cannot
 * be read is left out: its runs may be sent twice, but are made once.
 */
export async function storedLaunches(root: string): Promise<StoredLaunch[]> {
  const found: StoredLaunch[] = [];
  for (const kind of ['tables', 'sweeps'])
    for (const table of foldersIn(path.join(root, kind)))
      for (const folder of foldersIn(launchesOf(table)))
        if (existsSync(path.join(folder, launchFiles.launch)))
          await readLaunch(folder).then(
            (launch) => found.push({ folder, launch }),
            () => undefined,
          );
  return found.sort((a, b) => (a.launch.created < b.launch.created ? -1 : 1));
}

function foldersIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [path.join(folder, entry.name)] : []));
}
