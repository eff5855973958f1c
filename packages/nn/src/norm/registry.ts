import { InitlabError, OpError } from '@initlab/core';
import { checkEntry, unknownName } from '@initlab/core/internal';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { Identity } from '../layers/containers.js';
import { GroupNorm } from '../layers/group-norm.js';
import { InstanceNorm2d } from '../layers/instance-norm.js';
import { LayerNorm2d } from '../layers/layer-norm.js';
import { WeightNormConv2d } from '../layers/weight-normed.js';
import { WeightStandardisedConv2d } from '../layers/weight-standardised.js';
import { BatchGroupNorm } from './batch-group.js';
import { BatchInstanceNorm } from './batch-instance.js';
import { ChannelAdaptiveNorm } from './channel-adaptive.js';
import { groupsFor, type NormFactory, normOf } from './factory.js';
import { FilterResponseNorm } from './filter-response.js';
import { GatedGroupNorm, SkipScaledGroupNorm } from './gated-group.js';
import { GroupExciteNorm } from './group-excite.js';
import { InstanceGatedBatchNorm } from './instance-gated-batch.js';
import { LayerBatchNorm } from './layer-batch.js';
import { NoisyBatchGroupNorm } from './noisy-batch-group.js';
import { SwitchableNorm } from './switchable.js';

/** A norm as `registerNorm` takes it and `listNorms` shows it. */
export interface NormEntry {
  readonly name: string;
  /** One line: what it computes. */
  readonly description: string;
  /** Where it comes from. */
  readonly source: string;
  /** Makes the layer for a number of channels. */
  readonly make: NormFactory;
}

let registered: Map<string, NormEntry> | undefined;
const entries = (): Map<string, NormEntry> => {
  registered ??= new Map(builtIn().map((entry) => [entry.name, entry]));
  return registered;
};

/** Make a norm known by name to `createModel`, `initlab train --norm` and the tables. Throws for a name that is taken. */
export function registerNorm(entry: NormEntry): void {
  checkEntry('registerNorm', entry, 'make');
  if (entries().has(entry.name)) throw new OpError('registerNorm', `there is a norm "${entry.name}" already; give yours another name`);
  entries().set(entry.name, entry);
}
/** The registered norms, in order of registration. */
export const listNorms = (): readonly NormEntry[] => [...entries().values()];

/** The factory of a registered norm, or the given factory itself. */
export function normFactory(norm: string | NormFactory): NormFactory {
  if (typeof norm === 'function') return norm;
  const found = entries().get(norm);
  if (!found) throw new InitlabError(unknownName('norm', norm, [...entries().keys()]));
  return found.make;
}

const group: NormFactory = (channels, options) => new GroupNorm(groupsFor(channels), channels, options);
const benchmark = 'MLS-Bench dl-normalization';

/** The norms there are without anybody registering one: a function, so that a bundle without `normFactory` has none of them. */
const builtIn = (): readonly NormEntry[] => [
  {
    name: 'batch',
    description: 'over batch and image, per channel; running statistics in evaluation',
    source: 'Ioffe & Szegedy, arXiv:1502.03167',
    make: (channels, options) => new BatchNorm2d(channels, options),
  },
  {
    name: 'group',
    description: 'over image and groups of channels; min(32, C) groups, fewer until they divide C',
    source: 'Wu & He, arXiv:1803.08494',
    make: group,
  },
  {
    name: 'instance',
    description: 'over the image, per channel',
    source: 'Ulyanov et al., arXiv:1607.08022',
    make: (channels, options) => new InstanceNorm2d(channels, options),
  },
  {
    name: 'layer',
    description: 'over image and all channels, per-channel affine',
    source: 'Ba et al., arXiv:1607.06450',
    make: (channels, options) => new GroupNorm(1, channels, options),
  },
  {
    name: 'channel-layer',
    description: 'over the channels of each pixel, per-channel affine; ε = 1e-6',
    source: 'Liu et al., arXiv:2201.03545',
    make: (channels, options) => new LayerNorm2d(channels, { eps: 1e-6, ...options }),
  },
  { name: 'none', description: 'nothing', source: '', make: () => new Identity() },
  {
    name: 'weight',
    description: 'weight norm in the convolutions, g · v / ‖v‖ per output channel, with biases; no layer follows',
    source: 'Salimans & Kingma, arXiv:1602.07868',
    make: Object.assign(() => new Identity(), {
      convolution: (...[inputs, outputs, options]: ConstructorParameters<typeof WeightNormConv2d>) =>
        new WeightNormConv2d(inputs, outputs, { ...options, bias: true }),
      inWeights: true,
    }),
  },
  {
    name: 'weight-standardised-group',
    description: 'group norm after convolutions whose weights have mean 0 and variance 1 per output channel',
    source: 'Qiao et al., arXiv:1903.10520',
    make: Object.assign((...args: Parameters<NormFactory>) => group(...args), {
      convolution: (...args: ConstructorParameters<typeof WeightStandardisedConv2d>) => new WeightStandardisedConv2d(...args),
    }),
  },
  {
    name: 'batch-instance',
    description: 'g · BN + (1 − g) · IN, a learned gate per channel from σ(1); batch statistics in evaluation too',
    source: `${benchmark}; Nam & Kim, arXiv:1805.07925`,
    make: normOf(BatchInstanceNorm),
  },
  {
    name: 'switchable',
    description: 'statistics mixed from instance, layer and batch by learned softmax weights; no running statistics',
    source: `${benchmark}; Luo et al., arXiv:1806.10779`,
    make: normOf(SwitchableNorm),
  },
  {
    name: 'gated-group',
    description: 'g · GN(x) + (1 − g) · x, a learned gate per channel from σ(2)',
    source: benchmark,
    make: normOf(GatedGroupNorm),
  },
  {
    name: 'skip-scaled-group',
    description: 'gated-group with (1 − g) · (s · x), s learned from 1',
    source: benchmark,
    make: normOf(SkipScaledGroupNorm),
  },
  {
    name: 'channel-adaptive',
    description: 'GN(x) · (1 + ½ tanh(a · mean|x| + b)), a and b learned from 0',
    source: benchmark,
    make: normOf(ChannelAdaptiveNorm),
  },
  {
    name: 'filter-response',
    description: 'x / √(mean x² + ε) over the image, affine, then max(·, τ) with τ learned from 0',
    source: 'Singh & Krishnan, arXiv:1911.09737',
    make: normOf(FilterResponseNorm),
  },
  {
    name: 'noisy-batch-group',
    description: 'g · BN(x) + (1 − g) · GN(x), a learned gate per channel from σ(0), with noise N(0, 0.1²) before the σ in training',
    source: benchmark,
    make: normOf(NoisyBatchGroupNorm),
  },
  {
    name: 'group-excite',
    description: 'GN(x) · (1 + tanh(a · mean x + b)), a and b learned from 0',
    source: benchmark,
    make: normOf(GroupExciteNorm),
  },
  {
    name: 'layer-batch',
    description: 'layer norm over image and all channels without weights, then batch norm',
    source: benchmark,
    make: normOf(LayerBatchNorm),
  },
  {
    name: 'instance-gated-batch',
    description: 'IEBN: BN(x) · γ · σ(a · mean x + b) + β, a learned from 0 and b from −1',
    source: 'Liang et al., arXiv:1908.04008',
    make: normOf(InstanceGatedBatchNorm),
  },
  {
    name: 'batch-group',
    description:
      'mean and variance mixed from batch norm’s and group norm’s by learned shares per channel, from σ(0); running statistics in evaluation',
    source: benchmark,
    make: normOf(BatchGroupNorm),
  },
];
