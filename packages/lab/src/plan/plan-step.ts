import type { Device } from '@initlab/core';
import type { DispatchFacts } from '@initlab/core/internal';
import { figures } from '../bench/statistics.js';
import { type ZooStepOptions, zooStep } from '../bench/zoo-step.js';
import { linesTable } from '../tables/index.js';
import type { Roofline } from './planned-device.js';

/** What limits a dispatch: its being one, the bytes it moves, or its multiply-adds. */
export type Bound = 'dispatch' | 'bytes' | 'flops';

/** A training step as planned: nothing of it was measured. */
export interface StepPlan {
  readonly model: string;
  readonly batch: number;
  readonly precision: 'f32' | 'mixed';
  readonly plannedFor: string;
  readonly planned: true;
  readonly dispatches: number;
  /** If every binding of every dispatch is read or written once. */
  readonly bytesMoved: number;
  /** Of products. */
  readonly flops: number;
  /** Of all buffers alive together: parameters, gradients, optimiser state, the batch and the step's own. */
  readonly peakBytes: number;
  /** Sum over the dispatches of what each takes at least; null where the adapter's rates are not known. */
  readonly leastMs: number | null;
  /** The same by what limits a dispatch, with how many it limits. */
  readonly bounds: Readonly<Record<Bound, { readonly dispatches: number; readonly ms: number }>> | null;
}

/** Milliseconds a dispatch takes at least, and why: the slowest of being dispatched, moving its bytes, and its flops. */
export function leastTime({ bytes, flops }: Pick<DispatchFacts, 'bytes' | 'flops'>, roof: Roofline, onMatrixUnits: boolean) {
  const times: readonly (readonly [Bound, number])[] = [
    ['dispatch', roof.dispatchUs / 1e3],
    ['bytes', bytes / roof.gigabytesPerSecond / 1e6],
    ['flops', flops / (onMatrixUnits ? roof.matrixGigaflops : roof.gigaflops) / 1e6],
  ];
  const [bound, ms] = times.reduce((worst, each) => (each[1] > worst[1] ? each : worst));
  return { bound, ms };
}

/** Plan a model's training step without running it. */
export function planStep(device: Device, options: ZooStepOptions & { readonly roofline?: Roofline }): StepPlan {
  device.pool.trim();
  device.pool.resetPeak();
  const { step, dispose } = zooStep(device, options);
  step.tunables();
  const { dispatchFacts, bytesMoved, precision } = step.stats();
  const { roofline } = options;
  const plan: StepPlan = {
    model: options.model,
    batch: options.batch,
    precision,
    plannedFor: device.target.adapter,
    planned: true,
    dispatches: dispatchFacts.length,
    bytesMoved,
    flops: dispatchFacts.reduce((sum, d) => sum + d.flops, 0),
    peakBytes: device.memory.peakBytes,
    ...(roofline ? estimate(dispatchFacts, roofline) : { leastMs: null, bounds: null }),
  };
  dispose();
  return plan;
}

function estimate(facts: readonly DispatchFacts[], roofline: Roofline): Pick<StepPlan, 'leastMs' | 'bounds'> {
  const onMatrixUnits = new Map<string, boolean>();
  const bounds = { dispatch: { dispatches: 0, ms: 0 }, bytes: { dispatches: 0, ms: 0 }, flops: { dispatches: 0, ms: 0 } };
  for (const d of facts) {
    let matrix = onMatrixUnits.get(d.kernel);
    if (matrix === undefined) {
      matrix = d.flops > 0 && d.uses.includes('chromium_experimental_subgroup_matrix');
      onMatrixUnits.set(d.kernel, matrix);
    }
    const { bound, ms } = leastTime(d, roofline, matrix);
    bounds[bound].dispatches++;
    bounds[bound].ms += ms;
  }
  const leastMs = figures(Object.values(bounds).reduce((sum, b) => sum + b.ms, 0));
  for (const b of Object.values(bounds)) b.ms = figures(b.ms);
  return { leastMs, bounds };
}

const table = linesTable([
  { text: 'model', width: 14 },
  { text: 'precision' },
  ...['batch', 'dispatches', 'GB moved', 'GFLOP', 'peak MB'].map((text) => ({ text, numeric: true })),
  { text: 'least ms' },
]);

/** Head of the table that `renderStepPlan`'s rows make. */
export const stepPlanHead = (target: string): string =>
  `${target}: nothing was measured. "least ms" is a bound, a sum over the dispatches; behind it how many are limited by what.\n${table.head}\n`;

export function renderStepPlan({ model, precision, batch, dispatches, bytesMoved, flops, peakBytes, leastMs, bounds }: StepPlan): string {
  const cells = [
    model,
    precision,
    batch,
    dispatches,
    (bytesMoved / 1e9).toFixed(2),
    (flops / 1e9).toFixed(1),
    (peakBytes / 1e6).toFixed(1),
  ];
  const parts = bounds && Object.entries(bounds).map(([bound, b]) => `${b.dispatches} by ${bound} ${b.ms.toFixed(2)}`);
  return `${table.line([...cells, leastMs === null ? null : `${leastMs.toFixed(2)} (${parts?.join(', ')})`])}\n`;
}
