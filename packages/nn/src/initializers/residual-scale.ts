import { OpError } from '@initlab/core';
import type { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { residualBlocks } from './blocks.js';
import { type InitializerEntry, storedInitializer } from './stored.js';

interface BranchScale {
  /** One factor a channel, or one number. */
  readonly perChannel: boolean;
  /** What it is at first, by the number of residual blocks. */
  readonly value: (blocks: number) => number;
}

/** Give every block's branch a learned scale. Throws on models without such blocks. */
function scaleBranches(model: Module, name: string, { perChannel, value }: BranchScale): void {
  const blocks = residualBlocks(model);
  const scalable = blocks.flatMap(({ setScale, lastConv }) => (setScale ? [{ setScale, lastConv }] : []));
  if (scalable.length === 0)
    throw new OpError(name, 'scales residual branches and this model has no block that allows it; resnet<6n+2> is one that has');
  for (const { setScale, lastConv } of scalable)
    setScale(new Parameter([perChannel ? lastConv.outChannels : 1], { device: lastConv.weight.device, value: value(blocks.length) }));
}

/** The initialisation `base`, and a learned scale on every residual branch. */
const scaled = (entry: Omit<InitializerEntry, 'initialize'>, base: string, scale: BranchScale): InitializerEntry => ({
  ...entry,
  initialize: async (model, options) => {
    await storedInitializer(base).initialize(model, options);
    scaleBranches(model, entry.name, scale);
  },
});
const zeroNumber: BranchScale = { perChannel: false, value: () => 0 };

export const residualScale: readonly InitializerEntry[] = [
  scaled(
    {
      name: 'skipinit',
      description: 'kaiming, and a learned scalar on every residual branch, 0 at first',
      source: 'De & Smith, arXiv:2002.10444',
    },
    'kaiming',
    zeroNumber,
  ),
  scaled(
    {
      name: 'rezero',
      description: 'PyTorch’s default weights, and a learned scalar on every residual branch, 0 at first',
      source: 'Bachlechner et al., arXiv:2003.04887',
    },
    'default',
    zeroNumber,
  ),
  scaled(
    {
      name: 'layerscale',
      description: 'kaiming, and a learned factor per channel on every residual branch: 0.1 up to 18 blocks, 1e-5 up to 24, 1e-6 beyond',
      source: 'Touvron et al., arXiv:2103.17239',
    },
    'kaiming',
    { perChannel: true, value: (blocks) => (blocks <= 18 ? 0.1 : blocks <= 24 ? 1e-5 : 1e-6) },
  ),
];
