import type { Device } from '@initlab/core';
import type { TunableNode } from '@initlab/core/internal';
import { convolutionShapes, convolutionSteps } from '../bench/conv2d.js';
import { type ZooStepOptions, zooStep } from '../bench/zoo-step.js';

export interface CountedProblem {
  readonly node: TunableNode;
  /** How often the models together meet it in a step. */
  readonly count: number;
}

/** In place of a model: the ten convolutions that `bench conv2d` times. */
export const convolutionRows = 'conv2d';

/** Every problem of the models' training steps once, the costliest (by multiply-adds times count) first. */
export function collectProblems(device: Device, models: readonly ZooStepOptions[]): CountedProblem[] {
  const found = new Map<string, { node: TunableNode; count: number }>();
  for (const each of models)
    for (const node of tunablesOf(device, each)) {
      const known = found.get(node.problem.key);
      if (known) known.count++;
      else found.set(node.problem.key, { node, count: 1 });
    }
  return [...found.values()].sort((a, b) => b.count * b.node.problem.flops - a.count * a.node.problem.flops);
}

function tunablesOf(device: Device, { model, batch, precision = 'f32' }: ZooStepOptions): readonly TunableNode[] {
  if (model === convolutionRows)
    return convolutionShapes.flatMap((shape) => {
      const { steps, dispose } = convolutionSteps(device, { shape, batch, precision });
      const nodes = Object.values(steps).flatMap((step) => step.tunables());
      dispose();
      return nodes;
    });
  // Each problem as one op of its own: filters packed and weight gradients joined for several at once are left out.
  const { step, dispose } = zooStep(device, { model, batch, precision, rewrites: { packFilters: false, joinWeights: false } });
  const nodes = step.tunables();
  dispose();
  return nodes;
}
