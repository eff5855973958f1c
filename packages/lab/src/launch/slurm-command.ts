import { execFile } from 'node:child_process';
import { InitlabError } from '@initlab/core';

/** What a command of Slurm's came to. */
export interface SlurmAnswer {
  readonly ok: boolean;
  readonly stdout: string;
  /** Its words, where it refused. */
  readonly stderr: string;
}

/** Without what a user has set to see less of the queue: nothing that waits there may be missed. */
const unfiltered = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(SQUEUE|SACCT)_/.test(name)));

/** Runs `sbatch`, `squeue`, … Throws InitlabError only where there is no such program. */
export function slurm(program: string, args: readonly string[]): Promise<SlurmAnswer> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 2 ** 28, env: unfiltered }, (error, stdout, stderr) => {
      const code: unknown = error?.code;
      if (code === 'ENOENT' || code === 'EACCES') reject(new InitlabError(missing(program)));
      else resolve({ ok: error === null, stdout, stderr: stderr.trim() || (error && !stdout ? error.message : '') });
    });
  });
}

const missing = (program: string): string =>
  `there is no ${program} on this machine’s PATH. Slurm’s commands are on a cluster’s login nodes, or come with a module.`;

/** Throws InitlabError where this machine has no Slurm to send jobs to. */
export async function checkSlurm(): Promise<void> {
  await slurm('sbatch', ['--version']);
}

/** How many tasks an array may have: MaxArraySize, or what the scheduler is set to where that is less. */
export async function maxArraySize(): Promise<number> {
  const { ok, stdout, stderr } = await slurm('scontrol', ['show', 'config']);
  if (!ok) throw new InitlabError(`--launcher slurm: Slurm does not answer. scontrol says: ${stderr}`);
  const size = arraySizeIn(stdout);
  if (size < 1) throw new InitlabError('--launcher slurm: this cluster takes no job arrays (its MaxArraySize is 0)');
  return size;
}

/** The size in what `scontrol show config` prints; Slurm's own default where it says nothing. */
export function arraySizeIn(config: string): number {
  const size = /^MaxArraySize\s*=\s*(\d+)/m.exec(config)?.[1];
  const tasks = /^SchedulerParameters\s*=.*\bmax_array_tasks=(\d+)/m.exec(config)?.[1];
  return Math.min(Number(size ?? 1001), Number(tasks ?? Number.POSITIVE_INFINITY));
}

/** The id in what `sbatch --parsable` prints: `12`, or `12;cluster`; a site may print lines of its own around it. */
export const jobIdIn = (printed: string): string | undefined => /^(\d+)(;.*)?$/m.exec(printed)?.[1];
