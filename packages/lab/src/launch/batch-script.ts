import type { SlurmSettings } from './slurm-settings.js';

export interface BatchScriptOptions {
  /** Absolute; where the list of runs and the logs lie. */
  readonly folder: string;
  /** Folder the command was given in: files of one's own are named from there. */
  readonly cwd: string;
  /** Node with its options and the command's file, absolute. */
  readonly command: readonly string[];
  /** Of the environment, what a task must have even where Slurm passes none of it on. */
  readonly env: Readonly<Record<string, string>>;
  readonly settings: Pick<SlurmSettings, 'setup'>;
}

/** A word as the shell takes it, whatever is in it. */
const shellQuote = (word: string): string => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** The script each task of an array runs; its argument is the number of the array's first task. */
export function batchScript({ folder, cwd, command, env, settings }: BatchScriptOptions): string {
  const words = [...command, 'slurm-task', folder].map(shellQuote).join(' ');
  return [
    '#!/bin/bash',
    '# Written by initlab. Options are given to sbatch; launch.json beside this file holds the runs.',
    `cd ${shellQuote(cwd)} || exit 1`,
    ...Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    ...settings.setup,
    '# With exec it is Node that Slurm’s signals reach.',
    `exec ${words} "$(( $1 + SLURM_ARRAY_TASK_ID ))"`,
    '',
  ].join('\n');
}

export interface SbatchOptions {
  readonly name: string;
  readonly array: { readonly tasks: number; readonly offset: number; readonly throttle?: number };
  /** Id of the job whose end it waits for. */
  readonly after?: string | undefined;
  readonly logs: string;
  readonly script: string;
  /** Of the settings. */
  readonly options: readonly string[];
}

/** What sbatch is called with. */
export function sbatchArguments({ name, array, after, logs, script, options }: SbatchOptions): string[] {
  const { tasks, offset, throttle } = array;
  return [
    '--parsable',
    `--job-name=${name}`,
    `--array=0-${tasks - 1}${throttle === undefined ? '' : `%${throttle}`}`,
    // In a name of Slurm's, % begins a field. Appended, since a task that is queued anew writes to the same.
    `--output=${logs.replaceAll('%', '%%')}/%A_%a.log`,
    '--open-mode=append',
    '--requeue',
    ...(after === undefined ? [] : [`--dependency=afterany:${after}`]),
    ...options,
    script,
    String(offset),
  ];
}
