import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Device, DeviceError } from '@initlab/core';
import type { Progress } from '../progress/index.js';
import { InUseError, runFiles } from '../run/index.js';
import { runOne } from './run-one.js';
import type { SweepRun } from './run-list.js';

/** What `runSweep` takes besides the runs. */
export interface SweepOptions {
  /** Folder that holds a folder for each run, by its key. */
  readonly root: string;
  readonly device: Device;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Trainings side by side on the device. Default 1. */
  readonly jobs?: number;
}

/** How a sweep came to its end. */
export interface SweepEnd {
  /** Whether every run has its result. */
  readonly complete: boolean;
  /** Runs that could not be made, and why: the others went on. */
  readonly failed: ReadonlyMap<string, string>;
  /** Runs that other processes have in hand. */
  readonly elsewhere: readonly string[];
}

/** Has the run its result? */
export const isDone = (root: string, key: string): boolean => existsSync(path.join(root, key, runFiles.result));

/**
 * Makes the runs that are missing, in order, `jobs` at a time. Files decide: what has a result is left alone, what stands half
 * done goes on, what another process has locked is its own. Several processes may work on one folder at once. A run that
 * fails is noted and the sweep goes on; a lost device ends it, since nothing more can run on it.
 */
export async function runSweep(runs: readonly SweepRun[], { root, device, progress, signal, jobs = 1 }: SweepOptions): Promise<SweepEnd> {
  const failed = new Map<string, string>();
  const elsewhere = new Set<string>();
  const waiting = runs.filter(({ key }) => !isDone(root, key));
  const alone = oneAtATime();
  const work = async (): Promise<void> => {
    for (let run = waiting.shift(); run && !signal?.aborted; run = waiting.shift()) {
      // Another process may have finished it since.
      if (isDone(root, run.key)) continue;
      const { key, label } = run;
      try {
        const ended = await runOne(run, { folder: path.join(root, key), device, progress, signal, alone });
        if (ended) progress.log(`${label}: done`);
      } catch (error) {
        if (error instanceof InUseError) {
          elsewhere.add(key);
          continue;
        }
        if (error instanceof DeviceError) throw error;
        const message = error instanceof Error ? error.message : String(error);
        failed.set(key, message);
        progress.log(`${label}: ${message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, waiting.length) }, work));
  const left = [...elsewhere].filter((key) => !isDone(root, key));
  return { complete: runs.every(({ key }) => isDone(root, key)), failed, elsewhere: left };
}

/** Runs bodies one after another. */
function oneAtATime(): <T>(body: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const next = last.then(body, body);
    last = next.catch(() => undefined);
    return next;
  };
}
