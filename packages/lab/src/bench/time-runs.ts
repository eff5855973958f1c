import type { Device } from '@initlab/core';
import { figures, median } from './statistics.js';

/** Medians in milliseconds. */
export interface RunTime {
  /** Wall time of a run, several in a row with one wait at the end: what PyTorch's figures beside it are too. */
  readonly wallMs: number;
  /** Sum of the dispatches' GPU times; null on CPU drivers, whose timestamps are too coarse, and without timestamps. */
  readonly gpuMs: number | null;
}

/** Runs timed together on a GPU, where one takes microseconds. */
const together = 30;
const timedRounds = 7;

/** Time a compiled function: one run to compile, some to warm up, then rounds until `budgetMs` is over (three at least). */
export async function timeRuns(device: Device, run: () => void, { budgetMs = 1500 } = {}): Promise<RunTime> {
  const { software } = device.caps;
  const each = software ? 1 : together;
  const round = async (): Promise<number> => {
    const begin = performance.now();
    for (let i = 0; i < each; i++) run();
    await device.sync();
    return (performance.now() - begin) / each;
  };
  run();
  await device.sync();
  if (!software) await round();
  const wall: number[] = [];
  const end = performance.now() + budgetMs;
  while (wall.length < 3 || (wall.length < (software ? 15 : timedRounds) && performance.now() < end)) wall.push(await round());
  const stamped: number[] = [];
  if (!software && device.facts.features.includes('timestamp-query'))
    for (let i = 0; i < timedRounds; i++) stamped.push((await device.profile(run)).reduce((sum, r) => sum + r.milliseconds, 0));
  return { wallMs: figures(median(wall)), gpuMs: stamped.length > 0 ? figures(median(stamped)) : null };
}
