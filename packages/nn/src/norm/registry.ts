import type { Device } from '@initlab/core';
import { Identity } from '../layers/containers.js';
import { BatchNorm2d, GroupNorm, InstanceNorm2d } from '../layers/norms.js';
import type { Module } from '../module.js';

/** Makes the norm put after a convolution of `numFeatures` channels: [N, C, H, W] → [N, C, H, W]. */
export type NormFactory = (numFeatures: number, options?: { device?: Device | undefined }) => Module;

export interface NormEntry {
  readonly name: string;
  /** One line: what it computes. */
  readonly description: string;
  /** Where it comes from. */
  readonly source: string;
  readonly make: NormFactory;
}

const entries = new Map<string, NormEntry>();

/** Make a norm known by name to `createModel`, `initlab train --norm` and the tables. */
export function registerNorm(entry: NormEntry): void {
  entries.set(entry.name, entry);
}
export const listNorms = (): readonly NormEntry[] => [...entries.values()];

/** The factory of a registered norm, or the given factory itself. */
export function normFactory(norm: string | NormFactory): NormFactory {
  if (typeof norm === 'function') return norm;
  const found = entries.get(norm);
  if (!found) throw new Error(`there is no norm "${norm}"; known are ${[...entries.keys()].join(', ')}`);
  return found.make;
}

/** The benchmark's rule: 32 groups, or the largest number below that divides the channels. */
export function groupsFor(channels: number): number {
  let groups = Math.min(32, channels);
  while (channels % groups !== 0) groups--;
  return groups;
}

registerNorm({
  name: 'batch',
  description: 'over batch and image, per channel; running statistics in evaluation',
  source: 'Ioffe & Szegedy, arXiv:1502.03167',
  make: (channels, options) => new BatchNorm2d(channels, options),
});
registerNorm({
  name: 'group',
  description: 'over image and groups of channels; min(32, C) groups, fewer until they divide C',
  source: 'Wu & He, arXiv:1803.08494',
  make: (channels, options) => new GroupNorm(groupsFor(channels), channels, options),
});
registerNorm({
  name: 'instance',
  description: 'over the image, per channel',
  source: 'Ulyanov et al., arXiv:1607.08022',
  make: (channels, options) => new InstanceNorm2d(channels, options),
});
registerNorm({
  name: 'layer',
  description: 'over image and all channels, per-channel affine',
  source: 'Ba et al., arXiv:1607.06450',
  make: (channels, options) => new GroupNorm(1, channels, options),
});
registerNorm({ name: 'none', description: 'nothing', source: '', make: () => new Identity() });
