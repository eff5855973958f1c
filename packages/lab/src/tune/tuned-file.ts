import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { type Device, type DeviceOptions, InitlabError, openDevice } from '@initlab/core';
import * as z from 'zod';
import { makeFolder } from '../run/make-folder.js';
import { replaceFile } from '../run/replace-file.js';
import { diskReason, isMissing } from '../run/run-error.js';

const timed = z.object({ variant: z.string(), ms: z.number() });
const fileSchema = z.object({
  adapter: z.string(),
  /** By problem: what won, what the cost model would take, and how many candidates were timed. */
  problems: z.record(z.string(), z.object({ best: timed, guess: timed, tried: z.number() })),
});
export type TunedFile = z.infer<typeof fileSchema>;

/** Where `initlab tune` keeps what it found on an adapter, and where the other commands look for it. */
export function tunedPath(adapter: string): string {
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.join(cache, 'initlab', 'tuned', `${adapter.replace(/[^\w.]+/g, '-')}.json`);
}

/** What was found before; nothing when there is no file or it is of another adapter. Throws where it is damaged. */
export async function readTuned(file: string, adapter: string): Promise<TunedFile['problems']> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (isMissing(cause)) return {};
    throw new InitlabError(`${file} cannot be read: ${diskReason(cause)}`, { cause });
  }
  let tuned: TunedFile;
  try {
    tuned = fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new InitlabError(`${file} is not a table of tuned kernels; delete it, and "npx initlab tune" makes a new one`, { cause });
  }
  return tuned.adapter === adapter ? tuned.problems : {};
}

export async function writeTuned(file: string, tuned: TunedFile): Promise<void> {
  await makeFolder(path.dirname(file));
  await replaceFile(file, `${JSON.stringify(tuned, null, 1)}\n`, { shared: true });
}

/** Variants by problem, as a device takes them. */
export const variantsOf = (problems: TunedFile['problems']): Record<string, string> =>
  Object.fromEntries(Object.entries(problems).map(([key, { best }]) => [key, best.variant]));

/** A device that takes the kernels `initlab tune` found for its adapter. */
export async function openTunedDevice(options: DeviceOptions = {}): Promise<Device> {
  return openDevice({ ...options, tuned: async (adapter) => variantsOf(await readTuned(tunedPath(adapter), adapter)) });
}
