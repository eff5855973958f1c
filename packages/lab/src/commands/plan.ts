import path from 'node:path';
import type { Device } from '@initlab/core';
import { usualBatch, type ZooStepOptions } from '../bench/zoo-step.js';
import { dumpKernels, openPlannedDevice, type PlannedFor, planStep, renderStepPlan, rooflines, stepPlanHead } from '../plan/index.js';

export interface PlanOptions {
  readonly models: readonly string[];
  readonly precision?: readonly ('f32' | 'mixed')[];
  readonly batch?: number;
  readonly for?: PlannedFor;
  readonly variant?: string;
  readonly json?: boolean;
}

/** Every model in every precision, with the batch it is measured with. */
const steps = (device: Device, { models, precision = ['f32'], batch }: PlanOptions): ZooStepOptions[] =>
  models.flatMap((model) => precision.map((p) => ({ model, precision: p, batch: batch ?? usualBatch(model, device) })));

/** `initlab bench step --plan`: what a training step would do, without running it. With `json` a line of JSON a row. */
export async function planStepCommand(options: PlanOptions): Promise<number> {
  const { for: target = 'here', json = false } = options;
  const device = await openPlannedDevice(target);
  if (!json) process.stdout.write(stepPlanHead(device.target.adapter));
  for (const each of steps(device, options)) {
    const plan = planStep(device, { ...each, roofline: rooflines[target] });
    process.stdout.write(json ? `${JSON.stringify(plan)}\n` : renderStepPlan(plan));
  }
  device.close();
  return 0;
}

/** `initlab kernels dump`: the WGSL of every kernel that training steps run, into a folder. */
export async function kernelsDumpCommand(folder: string, options: PlanOptions): Promise<number> {
  const { for: target = 'here', variant, json = false } = options;
  const device = await openPlannedDevice(target, variant);
  const { plannedFor, steps: dumped } = await dumpKernels(device, steps(device, options), folder);
  device.close();
  if (json) {
    process.stdout.write(`${JSON.stringify({ plannedFor, folder, steps: dumped })}\n`);
    return 0;
  }
  // A kernel that two ops run is two rows of the index, and one file.
  const filesOf = (rows: readonly { file: string }[]): number => new Set(rows.map(({ file }) => file)).size;
  for (const { model, batch, precision, dispatches, kernels } of dumped)
    process.stdout.write(`${model}, batch ${batch}, ${precision}: ${dispatches} dispatches of ${filesOf(kernels)} kernels\n`);
  process.stdout.write(
    `${filesOf(dumped.flatMap(({ kernels }) => kernels))} kernels for ${plannedFor}, listed in ${path.join(folder, 'index.md')}\n`,
  );
  return 0;
}
