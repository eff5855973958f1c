import { findInitializer, type NormFactory } from '@initlab/nn';
import { own } from '../choices.js';
import type { OwnCode, SideSettings } from '../settings.js';
import type { ChosenInitializer } from './own-initializer.js';

/** A run's initialisation and norm. */
export interface Chosen extends ChosenInitializer {
  readonly norm: string | NormFactory;
}

/** By their names; `own` is the person's, from its JavaScript. */
export async function chosenFor({ init, norm }: Pick<SideSettings, 'init' | 'norm'>, ownJs: OwnCode): Promise<Chosen> {
  return { ...(await initializer(init, ownJs)), norm: norm === own ? await (await import('./own-norm.js')).ownNorm(ownJs.norm) : norm };
}

async function initializer(name: string, ownJs: OwnCode): Promise<ChosenInitializer> {
  if (name === own) return (await import('./own-initializer.js')).ownInitializer(ownJs.init);
  const { initialize, dataDependent = false } = findInitializer(name);
  return { initialize, dataDependent };
}
