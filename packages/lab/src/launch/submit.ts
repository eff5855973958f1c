import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { InitlabError } from '@initlab/core';
import { FolderLock, InUseError, makeFolder, replaceFile } from '../run/index.js';
import { isDone, type SweepRun } from '../sweep/index.js';
import { batchScript, sbatchArguments } from './batch-script.js';
import { planArrays } from './job-arrays.js';
import { readJobs } from './job-ids.js';
import { endStates, type LiveTask, liveTasks } from './job-states.js';
import { type Launch, launchesOf, launchFiles, runsOfTask, type StoredLaunch, storedLaunches, writeLaunch } from './launch-folder.js';
import { jobIdIn, maxArraySize, slurm } from './slurm-command.js';
import { type SlurmSettings, settingOptions } from './slurm-settings.js';

export interface SubmitOptions {
  /** Folder of all runs, absolute. */
  readonly root: string;
  /** The table's or sweep's own. */
  readonly tableFolder: string;
  /** `sweep`, or a table's id: jobs are named by it. */
  readonly title: string;
  readonly settings: SlurmSettings;
  readonly dataDir?: string | undefined;
  /** Trainings side by side in a task. */
  readonly jobs?: number | undefined;
  readonly tensorboard?: boolean | undefined;
  /** Folder the command was given in. */
  readonly cwd: string;
  /** Node with its options and the command's file. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What was sent, and what need not be. */
export interface Submission {
  /** Of the list of runs and the logs; absent where nothing was sent. */
  readonly folder?: string;
  /** Job arrays in their order. */
  readonly jobs: readonly { readonly id: string; readonly tasks: number }[];
  readonly done: number;
  /** Runs of tasks that Slurm has in hand from before, these tasks, and the folder of the last that sent some of them. */
  readonly inHand: { readonly runs: number; readonly tasks: readonly LiveTask[]; readonly folder: string | undefined };
  readonly sent: number;
  /** Runs that were sent before and came to no result, by how their task ended where accounting tells it. */
  readonly again: ReadonlyMap<string, number>;
  /** What sbatch said to an array after the first; the arrays from there on were not sent. */
  readonly refused?: string;
}

/**
 * Sends the runs that have no result and that no task of an earlier submission has in hand, as job arrays. Results decide what
 * is done, the queue tells what is under way. Throws InitlabError with Slurm's words where it refuses; nothing was sent then.
 */
export async function submit(runs: readonly SweepRun[], options: SubmitOptions): Promise<Submission> {
  const place = launchesOf(options.tableFolder);
  await makeFolder(place);
  const lock = takeLock(place);
  try {
    return await submitLocked(runs, options);
  } finally {
    lock.release();
  }
}

function takeLock(place: string): FolderLock {
  try {
    return FolderLock.take(place);
  } catch (error) {
    if (!(error instanceof InUseError)) throw error;
    throw new InitlabError(`${place}: another process is sending these runs. Let it end, then look again.`);
  }
}

async function submitLocked(runs: readonly SweepRun[], options: SubmitOptions): Promise<Submission> {
  const { root, tableFolder, title, settings, dataDir, jobs: sideBySide, tensorboard } = options;
  const open = runs.filter(({ key }) => !isDone(path.join(root, 'by-hash'), key));
  const openKeys = new Set(open.map(({ key }) => key));
  const launches = (await storedLaunches(root)).filter(({ launch }) => launch.runs.some(({ key }) => openKeys.has(key)));
  const live = await liveTasks(launches.flatMap(({ launch }) => launch.arrays.map(({ name }) => name)));
  const { keys: heldKeys, ...held } = inHandOf(launches, live, openKeys);
  const missing = open.filter(({ key }) => !heldKeys.has(key));
  const standing = { done: runs.length - open.length, inHand: { runs: heldKeys.size, ...held } };
  if (missing.length === 0) return { ...standing, jobs: [], sent: 0, again: new Map() };

  const { runsPerTask, maxParallel } = settings;
  const planned = planArrays(Math.ceil(missing.length / runsPerTask), { maxArraySize: await maxArraySize(), maxParallel });
  const again = await endsOf(launches, new Set(missing.map(({ key }) => key)));
  const [created, id] = [new Date().toISOString(), randomBytes(4).toString('hex')];
  const folder = path.join(launchesOf(tableFolder), `${created.slice(0, 19).replaceAll(':', '-')}-${id}`);
  const launch: Launch = {
    ...{ id, title, created, root, runsPerTask },
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(sideBySide === undefined ? {} : { jobs: sideBySide }),
    ...(tensorboard === undefined ? {} : { tensorboard }),
    arrays: planned.map(({ offset, tasks }, i) => ({ name: `${title}-${id}-${i}`, offset, tasks })),
    runs: missing.map(({ key, label, config }) => ({ key, label, config })),
  };
  // The names are on the disk before Slurm has them: whatever happens in between, the next call finds its jobs by them.
  await writeLaunch(folder, launch, { script: batchScript({ ...options, folder }) });
  const ids: string[] = [];
  let refused: string | undefined;
  for (const [i, array] of planned.entries()) {
    const after = array.after === undefined ? undefined : ids[array.after];
    const { name } = launch.arrays[i] as Launch['arrays'][number];
    const place = { logs: path.join(folder, launchFiles.logs), script: path.join(folder, launchFiles.script) };
    const { ok, stdout, stderr } = await slurm(
      'sbatch',
      sbatchArguments({ name, array, after, ...place, options: settingOptions(settings) }),
    );
    const job = ok ? jobIdIn(stdout) : undefined;
    if (job === undefined) {
      refused = stderr || stdout.trim();
      break;
    }
    ids.push(job);
    await replaceFile(path.join(folder, launchFiles.jobs), `${JSON.stringify(ids)}\n`);
  }
  if (ids.length === 0) {
    await rm(folder, { recursive: true, force: true });
    throw new InitlabError(`--launcher slurm: sbatch refused, and nothing was sent. It says: ${refused}`);
  }
  const jobs = ids.map((job, i) => ({ id: job, tasks: (planned[i] as { tasks: number }).tasks }));
  const sentTasks = jobs.reduce((sum, { tasks }) => sum + tasks, 0);
  const sent = Math.min(missing.length, sentTasks * runsPerTask);
  return { ...standing, folder, jobs, sent, again, ...(refused === undefined ? {} : { refused }) };
}

/** Runs without a result that tasks in Slurm's hands are to make. */
function inHandOf(launches: readonly StoredLaunch[], live: readonly LiveTask[], open: ReadonlySet<string>) {
  const arrays = new Map(
    launches.flatMap(({ folder, launch }) => launch.arrays.map((array) => [array.name, { folder, launch, array }] as const)),
  );
  const keys = new Set<string>();
  const tasks: LiveTask[] = [];
  const folders: string[] = [];
  for (const task of live) {
    const found = arrays.get(task.name);
    if (!found) continue;
    const own = runsOfTask(found.launch, found.array.offset + task.task).filter(({ key }) => open.has(key));
    for (const { key } of own) keys.add(key);
    if (own.length === 0) continue;
    tasks.push(task);
    folders.push(found.folder);
  }
  // Their names begin with the time.
  return { keys, tasks, folder: folders.sort((a, b) => (path.basename(a) < path.basename(b) ? -1 : 1)).at(-1) };
}

/** How the tasks ended that had these runs last. */
async function endsOf(launches: readonly StoredLaunch[], missing: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, string>();
  for (const { folder, launch } of launches) {
    const ids = await readJobs(folder);
    for (const [i, { offset, tasks }] of launch.arrays.entries())
      for (let task = 0; task < tasks && ids[i] !== undefined; task++)
        for (const { key } of runsOfTask(launch, offset + task)) if (missing.has(key)) last.set(key, `${ids[i]}_${task}`);
  }
  const states = last.size > 0 ? await endStates([...new Set([...last.values()].map((id) => id.split('_')[0] as string))]) : new Map();
  const ends = new Map<string, number>();
  for (const id of last.values()) {
    const state = states.get(id) ?? '';
    ends.set(state, (ends.get(state) ?? 0) + 1);
  }
  return ends;
}
