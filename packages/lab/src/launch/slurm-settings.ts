import { InitlabError } from '@initlab/core';
import * as z from 'zod';
import { toldFaults } from '../files/told-fault.js';

const count = z.number().int().positive();
const text = z.string().min(1);

/** What a job of Slurm's is asked for, as `--slurm FILE` holds it; options of the command line come first. */
export const slurmSettingsSchema = z.strictObject({
  partition: text.optional(),
  account: text.optional(),
  /** Of a task, in Slurm's spelling: minutes, `H:MM:SS`, `D-HH`. */
  time: text.optional(),
  /** `gpu:1`, `gpu:a100:1`. */
  gres: text.optional(),
  gpus: text.optional(),
  /** Lines of shell that run before Node does: `module load nodejs`. */
  setup: z.array(z.string()).default([]),
  /** Further options of sbatch, one an entry: `--mem=16G`. */
  sbatch: z.array(text).default([]),
  /** Runs a task makes one after another. */
  runsPerTask: count.default(1),
  /** Tasks that may run at once; null for as many as Slurm gives. */
  maxParallel: count.nullable().default(null),
  /** Seconds before the end of its time in which a task saves and queues anew. Default 300, and a quarter of a time shorter than 20 minutes. */
  signalSeconds: count.max(65_535).optional(),
});
export type SlurmSettings = z.infer<typeof slurmSettingsSchema>;
export type SlurmInput = z.input<typeof slurmSettingsSchema>;

/** What the launcher itself says to sbatch. */
const own = ['array', 'dependency', 'error', 'job-name', 'no-requeue', 'open-mode', 'output', 'parsable', 'requeue', 'signal', 'wrap'];
const ownShort = ['a', 'd', 'e', 'J', 'o'];

/** Fills in the defaults. Throws InitlabError naming what is wrong; `origin` is the file, or `--launcher slurm`. */
export function slurmSettings(input: object, { origin }: { origin: string }): SlurmSettings {
  const parsed = slurmSettingsSchema.safeParse(input);
  if (!parsed.success) {
    const known = parsed.error.issues.some(({ code }) => code === 'unrecognized_keys');
    const keys = known ? `. Keys are ${Object.keys(slurmSettingsSchema.shape).join(', ')}.` : '';
    throw new InitlabError(`${origin}: ${toldFaults(parsed.error)}${keys}`);
  }
  const settings = parsed.data;
  for (const option of settings.sbatch) {
    const name = /^--([a-z-]+)(=|$)/.exec(option)?.[1] ?? /^-([A-Za-z])/.exec(option)?.[1];
    if (name === undefined) throw new InitlabError(`${origin}: sbatch: "${option}" is no option; write it as in --mem=16G`);
    if (own.includes(name) || ownShort.includes(name))
      throw new InitlabError(`${origin}: sbatch: ${option} is the launcher’s own to say; leave it out`);
  }
  const limit = settings.time === undefined ? undefined : timeSeconds(settings.time);
  if (Number.isNaN(limit))
    throw new InitlabError(`${origin}: time ${settings.time}: is not as Slurm writes times: 90 (minutes), 1:30:00, 2-12 (days-hours)`);
  if (limit !== undefined && signalSeconds(settings) >= limit)
    throw new InitlabError(`${origin}: signalSeconds ${settings.signalSeconds}: leaves nothing of a task's time of ${settings.time}`);
  return settings;
}

/** Seconds of a time as Slurm writes it: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S`; infinite where it says so, else NaN. */
export function timeSeconds(time: string): number {
  if (/^(infinite|unlimited)$/i.test(time)) return Number.POSITIVE_INFINITY;
  const match = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(time);
  if (!match) return Number.NaN;
  const [days, ...parts] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  const [a = 0, b, c] = parts;
  if (days !== undefined) return ((days * 24 + a) * 60 + (b ?? 0)) * 60 + (c ?? 0);
  if (c !== undefined) return (a * 60 + (b ?? 0)) * 60 + c;
  return a * 60 + (b ?? 0);
}

/** Seconds before the end of its time that a task is told. */
export function signalSeconds({ signalSeconds: given, time }: Pick<SlurmSettings, 'signalSeconds' | 'time'>): number {
  if (given !== undefined) return given;
  const limit = time === undefined ? Number.POSITIVE_INFINITY : timeSeconds(time);
  return Math.max(1, Math.min(300, Math.floor(limit / 4)));
}

/** The settings as options of sbatch. */
export function settingOptions(settings: SlurmSettings): string[] {
  const { partition, account, time, gres, gpus, sbatch } = settings;
  const named = Object.entries({ partition, account, time, gres, gpus });
  return [
    ...named.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`])),
    `--signal=B:USR1@${signalSeconds(settings)}`,
    // Last, so that what a user writes is what holds.
    ...sbatch,
  ];
}
