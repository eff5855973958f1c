import type { Device, TunableNode } from '@initlab/core';
import { type StepOptions, trainingStep } from '../bench/training-step.js';

export interface CountedProblem {
  readonly node: TunableNode;
  /** How often the models together meet it in a step. */
  readonly count: number;
}

/** Every problem of the models' training steps once, the costliest (by multiply-adds times count) first. */
export function collectProblems(device: Device, models: readonly StepOptions[]): CountedProblem[] {
  const found = new Map<string, { node: TunableNode; count: number }>();
  for (const each of models) {
    // Each problem as one op of its own: filters packed and weight gradients joined for several at once are left out.
    const { step, dispose } = trainingStep(device, { ...each, rewrites: { packFilters: false, joinWeights: false } });
    for (const node of step.tunables()) {
      const known = found.get(node.problem.key);
      if (known) known.count++;
      else found.set(node.problem.key, { node, count: 1 });
    }
    dispose();
  }
  return [...found.values()].sort((a, b) => b.count * b.node.problem.flops - a.count * a.node.problem.flops);
}
