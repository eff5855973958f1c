import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type Device, DeviceError, OutOfMemoryError } from '@initlab/core';
import type { Progress } from '../progress/index.js';
import { InUseError, runFiles } from '../run/index.js';
import { noteFailure } from './run-failure.js';
import type { SweepRun } from './run-list.js';
import { runOne } from './run-one.js';

/** What `runSweep` takes besides the runs. */
export interface SweepOptions {
  /** Folder that holds a folder for each run, by its key. */
  readonly root: string;
  readonly device: Device;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Called as runs come to their end: which have failed so far; whether a run has its result says its folder. */
  readonly onSettled?: (failed: ReadonlyMap<string, string>) => void;
  /** Trainings side by side on the device. Default 1. */
  readonly jobs?: number;
  /** Also write the runs' metrics as TensorBoard reads them. */
  readonly tensorboard?: boolean | undefined;
  /** Awaited with a run's folder in hand, before it trains; what it throws is the run's failure. */
  readonly onOpened?: (run: SweepRun) => Promise<void>;
  /** Seconds to wait for runs that others have in hand, once nothing else is left. Default without end. */
  readonly waitSeconds?: number;
}

/** How a sweep came to its end. */
export interface SweepEnd {
  /** Whether every run has its result. */
  readonly complete: boolean;
  /** Runs that could not be made, and why: the others went on. */
  readonly failed: ReadonlyMap<string, string>;
}

/** Has the run its result? */
export const isDone = (root: string, key: string): boolean => existsSync(path.join(root, key, runFiles.result));

/** Seconds between two looks at runs that other processes have in hand. */
const lookAgainSeconds = 2;

/**
 * Makes the runs that are missing, in order, `jobs` at a time. Files decide: what has a result is left alone, what stands half
 * done goes on, what another process has locked is its own, and is waited for once nothing else is left: it is taken over should
 * that process die. So several processes, also of several machines, may work on one folder at once. Where the device's memory does
 * not hold as many trainings side by side, one of them waits for another's end. A run that fails is noted
 * and the sweep goes on; a lost device ends it, since nothing more can run on it.
 */
export async function runSweep(runs: readonly SweepRun[], options: SweepOptions): Promise<SweepEnd> {
  const { root, device, progress, signal, onSettled, jobs = 1, tensorboard, onOpened, waitSeconds = Number.POSITIVE_INFINITY } = options;
  const failed = new Map<string, string>();
  const alone = oneAtATime();
  const running = new Set<SweepRun>();
  let queue: SweepRun[] = [];
  /** How many fit on the device: nobody can ask how much memory it has, so this is found by trying. */
  let room = jobs;
  const left = (): SweepRun[] => runs.filter(({ key }) => !isDone(root, key) && !failed.has(key));
  const make = async (run: SweepRun): Promise<void> => {
    const { key, label } = run;
    try {
      // Another process may have finished it since.
      if (isDone(root, key)) return onSettled?.(failed);
      const ended = await runOne(run, { folder: path.join(root, key), device, progress, signal, tensorboard, onOpened, alone });
      if (ended !== undefined) progress.log(`${label}: ${ended}`);
    } catch (error) {
      if (error instanceof InUseError) return;
      if (error instanceof DeviceError) throw error;
      if (error instanceof OutOfMemoryError && running.size > 1) {
        room = running.size - 1;
        queue.unshift(run);
        progress.warn(
          `${label}: the device's memory holds no ${running.size} of these side by side; it goes on later, with ${room} at once.`,
        );
        return;
      }
      const message = error instanceof Error ? error.message : String(error);
      failed.set(key, message);
      await noteFailure(path.join(root, key), message);
      progress.warn(`${label}: ${message}`);
    }
    onSettled?.(failed);
  };
  let waiting = false;
  let waited = { for: 0, since: 0 };
  for (let todo = left(); todo.length > 0 && !signal?.aborted; todo = left()) {
    queue = [...todo];
    const work = async (): Promise<void> => {
      while (running.size < room && !signal?.aborted) {
        const run = queue.shift();
        if (!run) return;
        running.add(run);
        await make(run).finally(() => running.delete(run));
      }
    };
    await Promise.all(Array.from({ length: Math.min(jobs, queue.length) }, work));
    const others = left();
    if (others.length === 0 || signal?.aborted) break;
    if (others.length !== waited.for) waited = { for: others.length, since: performance.now() };
    if (performance.now() - waited.since >= waitSeconds * 1e3) {
      progress.log(`Left to the processes that have them in hand: ${runCount(others.length)}.`);
      break;
    }
    if (!waiting) progress.log(`Waiting for ${runCount(others.length)} that other processes have in hand.`);
    waiting = true;
    await setTimeout(lookAgainSeconds * 1e3, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
  return { complete: runs.every(({ key }) => isDone(root, key)), failed };
}

const runCount = (n: number): string => `${n} run${n === 1 ? '' : 's'}`;

/** Runs bodies one after another. */
function oneAtATime(): <T>(body: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const next = last.then(body, body);
    last = next.catch(() => undefined);
    return next;
  };
}
