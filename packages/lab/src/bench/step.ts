import type { Device, ProfileRow } from '@initlab/core';
import { measurePeaks, type Peaks } from './peaks.js';
import { type KernelShare, kernelShares, medianProfile } from './profile.js';
import { figures, median, spread } from './statistics.js';
import { type ZooStepOptions, zooStep } from './zoo-step.js';

export interface StepBenchOptions extends ZooStepOptions {
  /** Rounds timed; each waits for the GPU once at its end. */
  readonly rounds?: number;
  readonly stepsPerRound?: number;
  /** Also return where the time of one step goes. */
  readonly profile?: boolean;
}

/** Medians in milliseconds; bytes of GPU memory. */
export interface StepRow {
  readonly model: string;
  readonly batch: number;
  /** What was computed in: mixed falls back to f32 on an adapter without f16. */
  readonly precision: 'f32' | 'mixed';
  readonly adapter: string;
  /** Wall time of a step, several in a row with one wait at the end. */
  readonly wallMs: number;
  readonly wallSpread: number;
  /** Sum of the dispatches' GPU times, each timed alone, the median of some steps; null without timestamps. */
  readonly gpuMs: number | null;
  /** JavaScript of a replayed step. */
  readonly jsMs: number;
  readonly jsUsPerDispatch: number;
  /** Recording, planning, pipelines and the first run. */
  readonly firstStepMs: number;
  readonly dispatches: number;
  readonly peakBytes: number;
  readonly profile?: readonly KernelShare[];
  readonly peaks?: Peaks;
}

/** Steps whose dispatches are timed one by one: a single one may have met other work on the machine. */
const profiledSteps = 3;

/** Time a whole training step (see `zooStep`). */
export async function benchStep(device: Device, options: StepBenchOptions): Promise<StepRow> {
  const { software } = device.caps;
  // A GPU's step takes milliseconds: more of them, so that its clock has risen.
  const { model: name, batch, rounds = software ? 5 : 7, stepsPerRound = software ? 5 : 20 } = options;
  device.pool.trim();
  device.pool.resetPeak();
  const { step, dispose } = zooStep(device, options);
  const started = performance.now();
  await step.prepare();
  await step().item();
  await device.sync();
  const firstStepMs = performance.now() - started;
  for (let i = 0; i < (software ? 3 : 20); i++) step().dispose();
  await device.sync();

  const wall: number[] = [];
  const js: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    for (let i = 0; i < stepsPerRound; i++) {
      const before = performance.now();
      step().dispose();
      js.push(performance.now() - before);
    }
    await device.sync();
    wall.push((performance.now() - begin) / stepsPerRound);
  }
  const stamped = device.facts.features.includes('timestamp-query');
  const profiles: ProfileRow[][] = [];
  while (stamped && profiles.length < profiledSteps) profiles.push(await device.profile(() => void step().dispose()));
  const rows = stamped ? medianProfile(profiles) : undefined;
  const { dispatches, precision } = step.stats();
  const row: StepRow = {
    model: name,
    batch,
    precision,
    adapter: device.caps.adapter,
    wallMs: figures(median(wall)),
    wallSpread: figures(spread(wall)),
    gpuMs: rows ? figures(rows.reduce((sum, r) => sum + r.milliseconds, 0)) : null,
    jsMs: figures(median(js)),
    jsUsPerDispatch: figures((median(js) * 1e3) / dispatches),
    firstStepMs: figures(firstStepMs),
    dispatches,
    peakBytes: device.memory.peakBytes,
    ...(options.profile && rows ? await profiled(device, rows) : {}),
  };
  dispose();
  return row;
}

async function profiled(device: Device, rows: readonly ProfileRow[]): Promise<Pick<StepRow, 'profile' | 'peaks'>> {
  const peaks = await measurePeaks(device);
  return { profile: kernelShares(rows, peaks), peaks };
}
