import type { Tensor } from '@initlab/core';
import {
  Adagrad,
  Adam,
  AdamW,
  LAMB,
  LARS,
  Lion,
  Muon,
  type MuonGroup,
  NAdam,
  type Optimizer,
  type ParameterGroup,
  RAdam,
  RMSprop,
  SGD,
} from '@initlab/nn';

/** Settings of a training that optimisers heed. */
export interface OptimizerSettings {
  readonly lr: number;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly nesterov: boolean;
}
/** Those that not every optimiser heeds. */
export type OptimizerSetting = 'momentum' | 'nesterov';

interface Entry {
  readonly heeds: readonly OptimizerSetting[];
  make(groups: readonly ParameterGroup[], settings: OptimizerSettings): Optimizer;
}

const usual = (Made: new (groups: readonly ParameterGroup[], options: { lr: number; weightDecay: number }) => Optimizer): Entry => ({
  heeds: [],
  make: (groups, { lr, weightDecay }) => new Made(groups, { lr, weightDecay }),
});

/** Filters and matrices between layers are Muon's; the last matrix, which gives the classes, and what is no matrix are AdamW's, at 3e-4. */
function splitForMuon(groups: readonly ParameterGroup[]): (group: ParameterGroup) => MuonGroup[] {
  const head = groups.flatMap(({ params }) => params.filter((p) => p.ndim > 1)).at(-1);
  const isHidden = (p: Tensor): boolean => p.ndim > 1 && p !== head;
  return ({ params, ...rates }) =>
    [
      { ...rates, params: params.filter(isHidden) },
      { ...rates, params: params.filter((p) => !isHidden(p)), useMuon: false },
    ].filter((group) => group.params.length > 0);
}

/** The optimisers by the names they have in settings. What no setting says is as the class has it. */
const optimizers = {
  sgd: {
    heeds: ['momentum', 'nesterov'],
    make: (groups, { lr, momentum, nesterov, weightDecay }) => new SGD(groups, { lr, momentum, nesterov, weightDecay }),
  },
  adam: usual(Adam),
  adamw: usual(AdamW),
  rmsprop: usual(RMSprop),
  adagrad: usual(Adagrad),
  nadam: usual(NAdam),
  radam: usual(RAdam),
  lion: usual(Lion),
  lars: { heeds: ['momentum'], make: (groups, { lr, momentum, weightDecay }) => new LARS(groups, { lr, momentum, weightDecay }) },
  lamb: usual(LAMB),
  muon: { heeds: [], make: (groups, { lr, weightDecay }) => new Muon(groups.flatMap(splitForMuon(groups)), { lr, weightDecay }) },
} satisfies Readonly<Record<string, Entry>>;

export type OptimizerName = keyof typeof optimizers;
// Of an object literal: its keys are these and no others.
export const optimizerNames = Object.keys(optimizers) as OptimizerName[];

export const makeOptimizer = (name: OptimizerName, groups: readonly ParameterGroup[], settings: OptimizerSettings): Optimizer =>
  optimizers[name].make(groups, settings);

/** The optimisers that heed a setting. */
export const heedersOf = (setting: OptimizerSetting): OptimizerName[] =>
  optimizerNames.filter((name) => (optimizers[name] as Entry).heeds.includes(setting));
