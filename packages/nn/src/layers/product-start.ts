import { type Generator, OpError } from '@initlab/core';
import { calculateFanInAndFanOut, kaimingUniform_, uniform_ } from '../init/index.js';
import type { Parameter } from '../module/parameter.js';

// What layers of a weight and a bias have in common when they are made.

/** Draws both as PyTorch's `reset_parameters` does: uniformly, within 1 / √fan-in of the weight. */
export function drawAsTorch({ weight, bias }: { weight: Parameter; bias: Parameter | undefined }, generator: Generator | undefined): void {
  kaimingUniform_(weight, { a: Math.sqrt(5), generator });
  if (!bias) return;
  const bound = 1 / Math.sqrt(calculateFanInAndFanOut(weight.shape).fanIn);
  uniform_(bias, { a: -bound, b: bound, generator });
}

/** Throws unless groups of channels come out even. */
export function checkGroups(
  layer: string,
  { groups, inChannels, outChannels }: Readonly<Record<'groups' | 'inChannels' | 'outChannels', number>>,
): void {
  if (inChannels % groups !== 0 || outChannels % groups !== 0)
    throw new OpError(layer, `groups ${groups} must divide ${inChannels} input and ${outChannels} output channels`);
}
