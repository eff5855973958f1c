import path from 'node:path';
import * as z from 'zod';
import type { Outcome, RunState } from '../papers/index.js';
import { RunError, readRun } from '../run/index.js';
import type { EpochRecord } from '../train/make-run.js';
import { type ProbeRecord, someProbes } from '../train/probe-record.js';
import { storedKey } from './run-key.js';
import { isDone } from './sweep.js';

const resultSchema = z.object({
  epochs: z.number().int().positive(),
  diverged: z.object({ epoch: z.number().int().positive(), step: z.number(), op: z.string() }).nullable(),
  adapter: z.string().optional(),
  driver: z.string().optional(),
  version: z.string().optional(),
  commit: z.string().nullish(),
});

/** Of the moments at which a net was looked into; a long training has thousands. */
const probesKept = 16;

/** What became of the run of this key. Throws RunError naming the folder when it was altered, or is of an initlab with other results. */
export async function runState(root: string, key: string): Promise<RunState> {
  const folder = path.join(root, key);
  if (!isDone(root, key)) return { kind: 'missing' };
  const { config, result, metrics, probes } = await readRun(folder, { probes: true });
  if (storedKey(config) !== key)
    throw new RunError(folder, `holds the run ${storedKey(config)}: a folder that was moved or copied over another's. Remove it.`);
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success)
    throw new RunError(folder, 'has a result that another version of initlab wrote otherwise. Remove the folder, and it is made again.');
  const { epochs: planned, diverged, ...made } = parsed.data;
  const outcome: Outcome = {
    epochs: metrics as unknown as EpochRecord[],
    planned,
    ...(probes.length > 0 ? { probes: someProbes(probes as unknown as ProbeRecord[], probesKept) } : {}),
    made: Object.fromEntries(Object.entries(made).flatMap(([name, value]) => (value ? [[name, value]] : []))),
    ...(diverged ? { divergedIn: diverged.epoch, divergedAt: { step: diverged.step, op: diverged.op } } : {}),
  };
  return { kind: 'done', outcome };
}
