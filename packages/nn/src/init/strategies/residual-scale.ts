import { OpError } from '@initlab/core';
import type { Module } from '../../module.js';
import { Parameter } from '../../parameter.js';
import { residualBlocks } from './blocks.js';
import { storedInitializer, type InitializeOptions, type InitializerEntry } from './stored.js';

/** Give every block's branch a learned scale: one number, or one a channel. Throws on models without such blocks. */
function scaleBranches(model: Module, name: string, { perChannel, value }: { perChannel: boolean; value: number }): void {
  const scalable = residualBlocks(model).flatMap(({ setScale, lastConv }) => (setScale ? [{ setScale, lastConv }] : []));
  if (scalable.length === 0)
    throw new OpError(name, 'scales residual branches and this model has no block that allows it; resnet<6n+2> and mobilenetv2 have');
  for (const { setScale, lastConv } of scalable)
    setScale(new Parameter([perChannel ? lastConv.outChannels : 1], { device: lastConv.weight.device, value }));
}

const after = (base: string, model: Module, options: InitializeOptions): void | Promise<void> =>
  storedInitializer(base).initialize(model, options);

export const residualScale: readonly InitializerEntry[] = [
  {
    name: 'skipinit',
    description: 'kaiming, and a learned scalar on every residual branch, 0 at first',
    source: 'De & Smith, arXiv:2002.10444',
    initialize: async (model, options) => {
      await after('kaiming', model, options);
      scaleBranches(model, 'skipinit', { perChannel: false, value: 0 });
    },
  },
  {
    name: 'rezero',
    description: 'PyTorch’s default weights, and a learned scalar on every residual branch, 0 at first',
    source: 'Bachlechner et al., arXiv:2003.04887',
    initialize: async (model, options) => {
      await after('default', model, options);
      scaleBranches(model, 'rezero', { perChannel: false, value: 0 });
    },
  },
  {
    name: 'layerscale',
    description: 'kaiming, and a learned factor per channel on every residual branch: 0.1 up to 18 blocks, 1e-5 up to 24, 1e-6 beyond',
    source: 'Touvron et al., arXiv:2103.17239',
    initialize: async (model, options) => {
      await after('kaiming', model, options);
      const depth = residualBlocks(model).length;
      scaleBranches(model, 'layerscale', { perChannel: true, value: depth <= 18 ? 0.1 : depth <= 24 ? 1e-5 : 1e-6 });
    },
  },
];
