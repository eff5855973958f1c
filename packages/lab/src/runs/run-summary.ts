import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { isHeld, type JsonObject, runFiles } from '../run/index.js';

/** What has become of a run. `stopped` is half done and nobody's; `unreadable` has a config or result that is no JSON object. */
export const runStates = ['complete', 'diverged', 'running', 'stopped', 'unreadable'] as const;
export type RunCondition = (typeof runStates)[number];

/** What config.json and result.json of a run say, without a look at their seals. */
export interface RunSummary {
  /** Its folder below the folder of runs. */
  readonly run: string;
  readonly folder: string;
  readonly state: RunCondition;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly epochsDone: number;
  /** Test accuracy in %, of the last epoch. */
  readonly last?: number | undefined;
  /** Of the best epoch: a maximum, and too good by chance. */
  readonly best?: number | undefined;
  readonly bestEpoch?: number | undefined;
  /** Training loss of the last epoch. */
  readonly loss?: number | undefined;
  /** Epoch it diverged in. */
  readonly diverged?: number | undefined;
  readonly seconds?: number | undefined;
  readonly started?: string | undefined;
  readonly adapter?: string | undefined;
}

/** By hand, where all else that is read goes through a schema: ten thousand results are to be read in a second. */
const numberIn = (object: unknown, key: string): number | undefined => {
  const value = (object as JsonObject | null | undefined)?.[key];
  return typeof value === 'number' ? value : undefined;
};
const textIn = (object: JsonObject, key: string): string | undefined => {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
};

const accuracy = z.number().optional().catch(undefined);
const epochSchema = z.object({ epoch: z.number(), testAccuracy: accuracy, trainLoss: accuracy, seconds: accuracy });
type Epoch = z.infer<typeof epochSchema>;

/** What every run's config.json has besides settings. */
const besides = new Set(['format', 'seal', 'experiment', 'data', 'numerics', 'plugins', 'copies', 'parent']);

/** Reads a run for a list. A run that is not complete tells its epochs by its log. */
export function summarizeRun(folder: string, { root }: { readonly root: string }): RunSummary {
  const run = path.relative(root, folder) || path.basename(path.resolve(folder));
  const config = readObject(path.join(folder, runFiles.config));
  const stored = readObject(path.join(folder, runFiles.result));
  const settings: Record<string, unknown> = {};
  for (const key in config) if (!besides.has(key)) settings[key] = config[key];
  if (!config || stored === null) return { run, folder, state: 'unreadable', settings, epochsDone: 0 };
  const result = typeof stored?.complete === 'boolean' ? stored : undefined;
  if (!result) return { ...{ run, folder, settings }, state: isHeld(folder) ? 'running' : 'stopped', ...summarizeLog(folder) };
  const diverged = numberIn(result.diverged, 'epoch');
  return {
    ...{ run, folder, settings, diverged },
    state: diverged === undefined ? 'complete' : 'diverged',
    // A result of an older initlab has no epochs in it.
    ...(result.last === undefined
      ? summarizeLog(folder)
      : {
          epochsDone: numberIn(result, 'epochsDone') ?? 0,
          last: numberIn(result.last, 'testAccuracy'),
          best: numberIn(result.best, 'testAccuracy'),
          bestEpoch: numberIn(result.best, 'epoch'),
          loss: numberIn(result.last, 'trainLoss'),
          seconds: numberIn(result, 'seconds'),
        }),
    started: textIn(result, 'started'),
    adapter: textIn(result, 'adapter'),
  };
}

const buffer = Buffer.allocUnsafe(65_536);

/** The text of a small file in three system calls; `readFileSync` makes six, which is felt with ten thousand runs. */
function readSmall(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const length = readSync(descriptor, buffer);
    if (length < buffer.length) return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(descriptor);
  }
  return readFileSync(file, 'utf8');
}

/** Undefined where there is none, null where it is no JSON object. */
function readObject(file: string): JsonObject | undefined | null {
  let content: string;
  try {
    content = readSmall(file);
  } catch {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
  } catch {
    return null;
  }
}

function readEpochs(file: string): Epoch[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return content.split('\n').flatMap((line) => {
    try {
      const parsed = epochSchema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      // The line that is being written, or was cut off.
      return [];
    }
  });
}

function summarizeLog(folder: string): Pick<RunSummary, 'epochsDone' | 'last' | 'best' | 'bestEpoch' | 'loss' | 'seconds'> {
  const epochs = readEpochs(path.join(folder, runFiles.metrics));
  const last = epochs.at(-1);
  let best: Epoch | undefined;
  for (const epoch of epochs) if ((epoch.testAccuracy ?? -1) > (best?.testAccuracy ?? -1)) best = epoch;
  return {
    ...{ epochsDone: epochs.length, last: last?.testAccuracy, loss: last?.trainLoss },
    ...{ best: best?.testAccuracy, bestEpoch: best?.epoch },
    seconds: epochs.reduce((sum, { seconds = 0 }) => sum + seconds, 0),
  };
}
