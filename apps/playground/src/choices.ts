/** A row of a menu: a name as the library knows it, and what to show beside it. */
export interface Choice {
  readonly name: string;
  readonly note?: string;
}

export interface ChoiceGroup {
  readonly title: string;
  readonly choices: readonly Choice[];
}

/** Models of the zoo, by family and depth. */
export const nets: readonly ChoiceGroup[] = [
  {
    title: 'residual',
    choices: [{ name: 'resnet8' }, { name: 'resnet20' }, { name: 'resnet56' }, { name: 'resnet110' }],
  },
  { title: 'residual, without norms', choices: [{ name: 'fixup-resnet8' }, { name: 'fixup-resnet20' }, { name: 'fixup-resnet56' }] },
  {
    title: 'plain convolutions',
    choices: [{ name: 'cnn8-16' }, { name: 'cnn20-16' }, { name: 'cnn56-16' }, { name: 'cnn110-16' }],
  },
  {
    title: 'plain linear layers',
    choices: [{ name: 'mlp8-64' }, { name: 'mlp20-64' }, { name: 'mlp100-64' }, { name: 'mlp1000-64' }],
  },
  {
    title: 'residual, made for weight norm',
    choices: [{ name: 'plain-resnet8' }, { name: 'plain-resnet20' }, { name: 'plain-resnet56' }, { name: 'plain-resnet110' }],
  },
];

/** Name, in both menus, of what is written in the page. */
export const own = 'own';

/** The registered initialisations, by what they are for. */
export const inits: readonly ChoiceGroup[] = [
  {
    title: 'by fan',
    choices: [
      { name: 'kaiming', note: 'N(0, 2 / fanOut)' },
      { name: 'kaiming-fan-in', note: 'N(0, 2 / fanIn)' },
      { name: 'lecun', note: 'N(0, 1 / fanIn)' },
      { name: 'xavier', note: 'N(0, 2 / (fanIn + fanOut))' },
      { name: 'default', note: 'PyTorch’s' },
      { name: 'orthogonal' },
      { name: 'delta-orthogonal' },
      { name: 'orthogonal-standardised' },
    ],
  },
  {
    title: 'to see it fail',
    choices: [{ name: 'zero' }, { name: 'random', note: 'N(0, 1)' }, { name: 'scaffold', note: 'N(0, 0.01²)' }],
  },
  {
    title: 'for residual nets',
    choices: [
      { name: 'zero-gamma' },
      { name: 'fixup', note: 'nets without norms' },
      { name: 'fixup-bn' },
      { name: 'fixup++' },
      { name: 'rbb' },
      { name: 'skipinit' },
      { name: 'rezero' },
      { name: 'layerscale' },
      { name: 'half-branch' },
      { name: 'orthogonal-mixed' },
    ],
  },
  { title: 'less with depth', choices: [{ name: 'davs' }, { name: 'dars' }, { name: 'ravs' }, { name: 'depth-decay' }] },
  {
    title: 'for weight norm',
    choices: [
      { name: 'wn-he' },
      { name: 'wn-he-proposed' },
      { name: 'wn-he-datadep', note: 'looks at images' },
      { name: 'wn-orthogonal' },
      { name: 'wn-orthogonal-proposed' },
      { name: 'wn-orthogonal-datadep', note: 'looks at images' },
      { name: 'wn-hanin' },
    ],
  },
  { title: 'from images', choices: [{ name: 'lsuv', note: 'looks at images' }] },
];

/** The registered norms. */
export const norms: readonly ChoiceGroup[] = [
  {
    title: 'known',
    choices: [
      { name: 'batch' },
      { name: 'group' },
      { name: 'layer' },
      { name: 'channel-layer' },
      { name: 'instance' },
      { name: 'none' },
      { name: 'weight', note: 'in the weights' },
      { name: 'weight-standardised-group' },
    ],
  },
  {
    title: 'mixed and gated',
    choices: [
      { name: 'batch-instance' },
      { name: 'batch-group' },
      { name: 'noisy-batch-group' },
      { name: 'switchable' },
      { name: 'gated-group' },
      { name: 'skip-scaled-group' },
      { name: 'channel-adaptive' },
      { name: 'filter-response' },
      { name: 'group-excite' },
      { name: 'layer-batch' },
      { name: 'instance-gated-batch' },
    ],
  },
];

/** Every name of a menu, in its order. */
export const namesOf = (groups: readonly ChoiceGroup[]): string[] => groups.flatMap(({ choices }) => choices.map(({ name }) => name));

/** What both menus offer beside them. */
export const ownChoice: ChoiceGroup = { title: 'yours', choices: [{ name: own, note: 'written below' }] };
