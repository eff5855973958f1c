import { InitlabError } from '@initlab/core';
import { slurm } from './slurm-command.js';

/** A task that Slurm has in hand. */
export interface LiveTask {
  /** The array's name, which no other has. */
  readonly name: string;
  readonly job: string;
  /** Number within the array. */
  readonly task: number;
  /** `PENDING`, `RUNNING`, … */
  readonly state: string;
  /** Why it waits: `Resources`, `JobHeldUser`, … */
  readonly reason: string;
}

const fields = '%F|%K|%T|%r|%j';

/** Which tasks of these arrays Slurm has in hand; whatever else it knows of them is over. Throws InitlabError where it does not answer. */
export async function liveTasks(names: readonly string[]): Promise<LiveTask[]> {
  const found: LiveTask[] = [];
  // A command line has its limit.
  for (let i = 0; i < names.length; i += 500) {
    const some = names.slice(i, i + 500);
    const { ok, stdout, stderr } = await slurm('squeue', ['--noheader', '--all', '--array', `--format=${fields}`, `--name=${some.join()}`]);
    if (!ok)
      throw new InitlabError(`--launcher slurm: what is queued already cannot be seen, and nothing was sent. squeue says: ${stderr}`);
    found.push(...liveTasksIn(stdout));
  }
  return found;
}

/** What has come to its end, should squeue show it still. A task that is ending may be one that is being queued anew. */
const over = /^(COMPLETED|CANCELLED|FAILED|TIMEOUT|NODE_FAIL|PREEMPTED|BOOT_FAIL|DEADLINE|OUT_OF_MEMORY|REVOKED)/;

export function liveTasksIn(printed: string): LiveTask[] {
  return printed.split('\n').flatMap((line) => {
    const [job, task, state, reason, ...name] = line.trim().split('|');
    if (!job || !task || !state || reason === undefined || over.test(state) || !/^\d+$/.test(task)) return [];
    return [{ name: name.join('|'), job, task: Number(task), state, reason }];
  });
}

/** How tasks ended, by `job_task`, as far as accounting tells: a hint for people, since many clusters keep none. */
export async function endStates(jobs: readonly string[]): Promise<ReadonlyMap<string, string>> {
  try {
    const { ok, stdout } = await slurm('sacct', [
      '--noheader',
      '--parsable2',
      '--allocations',
      '--format=JobID,State',
      `--jobs=${jobs.join()}`,
    ]);
    return new Map(
      (ok ? stdout : '').split('\n').flatMap((line): [string, string][] => {
        const [id, state] = line.split('|');
        // `CANCELLED by 1000`
        return id && state ? [[id, state.split(' ')[0] as string]] : [];
      }),
    );
  } catch {
    return new Map();
  }
}
