import { InitlabError } from '@initlab/core';
import { slurm } from './slurm-command.js';

/** Of the environment that Slurm gives a task. */
export interface TaskPlace {
  /** `12_3`: the array's id and the task's number; the array's id alone would mean all of its tasks. */
  readonly job: string | undefined;
  /** How often this task was begun before. */
  readonly restarts: number;
}

export function taskPlace(env: Readonly<Record<string, string | undefined>>): TaskPlace {
  const { SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: task, SLURM_RESTART_COUNT: restarts } = env;
  return { job: array && task ? `${array}_${task}` : undefined, restarts: Number(restarts ?? 0) };
}

/** Queues the task anew that this process is. Throws InitlabError in Slurm's words where it is refused. */
export async function requeue({ job }: TaskPlace): Promise<void> {
  const remedy = 'Everything is saved: give the command that sent it again.';
  if (job === undefined) throw new InitlabError(`this is no task of a job array, so it cannot be queued anew. ${remedy}`);
  const answer = await slurm('scontrol', ['requeue', job]).catch((error: Error) => ({ ok: false, stderr: error.message }));
  if (!answer.ok) throw new InitlabError(`task ${job} could not be queued anew. ${remedy} scontrol says: ${answer.stderr}`);
}
