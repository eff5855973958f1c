import { OpError } from '@initlab/core';
import { kaimingStd, normal_, zeros_ } from '../init/fills.js';
import { Linear } from '../layers/linear.js';
import { fixupBranchOf } from '../layers/residual-branch.js';
import { drawnLayers, type InitializerEntry } from './stored.js';

export const fixup: InitializerEntry = {
  name: 'fixup',
  description:
    'models without norms: a branch’s first conv N(0, 2 / fanOut) · L^−½ with L blocks (m = 2 layers a branch), its last conv 0, the classifier 0, other convs N(0, 2 / fanOut), biases 0, factors 1',
  source: 'Zhang, Dauphin & Ma, arXiv:1901.09321',
  initialize: (model, { generator }) => {
    const blocks = model.modules().flatMap((module) => fixupBranchOf(module) ?? []);
    if (blocks.length === 0)
      throw new OpError(
        'fixup',
        'is for residual nets without norms, such as fixup-resnet20; for nets with batch norm see fixup-bn and fixup++',
      );
    for (const [name, p] of model.namedParameters()) if (p.ndim === 1) p.set(new Float32Array(p.size).fill(name.endsWith('scale') ? 1 : 0));
    for (const layer of drawnLayers(model)) {
      const first = blocks.some(({ firstConv }) => firstConv === layer);
      const last = blocks.some(({ lastConv }) => lastConv === layer);
      const std = kaimingStd(layer.weight.shape, { mode: 'fanOut', nonlinearity: 'relu' });
      if (last || layer instanceof Linear) zeros_(layer.weight);
      else normal_(layer.weight, { std: first ? std * blocks.length ** -0.5 : std, generator });
    }
  },
};
