import type { Device } from '@initlab/core';
import { figures, median } from './statistics.js';

/** Medians in milliseconds. */
export interface RunTime {
  /** Wall time of a run, several in a row with one wait at the end: what PyTorch's figures beside it are too. */
  readonly wallMs: number;
  /** Sum of the dispatches' GPU times; null without timestamps, and on CPU drivers, where peers can be timed by the wall only. */
  readonly gpuMs: number | null;
}

/** What a round should last, so that the wait at its end hardly counts, and runs in one at most. */
const roundMs = 15;
const mostTogether = 100;
const timedRounds = 7;

/** Time a compiled function: one run to compile, some to warm up, then rounds until `budgetMs` is over (three at least). */
export async function timeRuns(device: Device, run: () => void, { budgetMs = 1500 } = {}): Promise<RunTime> {
  const round = async (each: number): Promise<number> => {
    const begin = performance.now();
    for (let i = 0; i < each; i++) run();
    await device.sync();
    return (performance.now() - begin) / each;
  };
  await round(1);
  const each = Math.min(mostTogether, Math.max(1, Math.round(roundMs / (await round(1)))));
  await round(each);
  const wall: number[] = [];
  const end = performance.now() + budgetMs;
  while (wall.length < 3 || (wall.length < timedRounds && performance.now() < end)) wall.push(await round(each));
  const stamped: number[] = [];
  if (!device.caps.software && device.facts.features.includes('timestamp-query'))
    for (let i = 0; i < timedRounds; i++) stamped.push((await device.profile(run)).reduce((sum, r) => sum + r.milliseconds, 0));
  return { wallMs: figures(median(wall)), gpuMs: stamped.length > 0 ? figures(median(stamped)) : null };
}
