import { OpError } from '@initlab/core';
import { parseSafetensors, type SafetensorsFile } from '../safetensors/parse.js';
import { type SavedTensor, serializeSafetensors } from '../safetensors/serialize.js';
import type { Optimizer, OptimizerState } from './optimizer.js';

const keys = { steps: 'initlab.steps', lr: 'initlab.lr', missed: 'initlab.missedSteps' };
const momentKey = (group: number, moment: number): string => `optimizer.${group}.${moment}`;

/** An optimiser's state as tensors and metadata of a safetensors file, which may hold other things beside them. */
export function encodeOptimizer({ steps, lr, moments, missed }: OptimizerState): {
  tensors: Map<string, SavedTensor>;
  metadata: Record<string, string>;
} {
  const tensors = new Map<string, SavedTensor>();
  moments.forEach((group, g) => {
    group.forEach((moment, m) => {
      tensors.set(momentKey(g, m), { shape: [moment.length], data: Float32Array.from(moment) });
    });
  });
  const metadata = { [keys.steps]: String(steps), [keys.lr]: String(lr), ...(missed ? { [keys.missed]: JSON.stringify(missed) } : {}) };
  return { tensors, metadata };
}

/** The inverse of `encodeOptimizer`, for an optimiser of `groups` parameter groups. */
export function decodeOptimizer({ tensors, metadata }: SafetensorsFile, { groups }: { groups: number }): OptimizerState {
  if (metadata[keys.steps] === undefined)
    throw new OpError('loadOptimizer', 'the file holds no optimiser; loadStateDict reads a model’s, and saveOptimizer writes one');
  const moments: ArrayLike<number>[][] = [];
  // One without moments still has its groups.
  for (let g = 0; tensors.has(momentKey(g, 0)) || g < groups; g++) {
    const group: ArrayLike<number>[] = [];
    for (let m = 0; ; m++) {
      const moment = tensors.get(momentKey(g, m));
      if (!moment) break;
      group.push(moment.data);
    }
    moments.push(group);
  }
  const missed = metadata[keys.missed];
  return {
    steps: Number(metadata[keys.steps]),
    lr: Number(metadata[keys.lr]),
    moments,
    ...(missed === undefined ? {} : { missed: JSON.parse(missed) as number[][] }),
  };
}

/**
 * An optimiser's state as a safetensors file (PyTorch: `torch.save(optimizer.state_dict(), …)`): moments, steps and rate.
 * The parameters are the model's: `saveStateDict`.
 */
export async function saveOptimizer(optimizer: Optimizer): Promise<Uint8Array<ArrayBuffer>> {
  const { tensors, metadata } = encodeOptimizer(await optimizer.state());
  return serializeSafetensors(tensors, metadata);
}

/** Put a file of `saveOptimizer` back: an optimiser of the same kind and parameters goes on where that one stood. */
export function loadOptimizer(optimizer: Optimizer, bytes: Uint8Array): void {
  optimizer.loadState(decodeOptimizer(parseSafetensors(bytes), { groups: optimizer.groupCount }));
}
