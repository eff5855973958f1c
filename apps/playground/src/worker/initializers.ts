import { findInitializer } from '@initlab/nn';
import { ownInit } from '../choices.js';
import type { ChosenInit } from './chosen-init.js';

/** An initialisation by name; `own` is the person's, from its JavaScript. */
export async function initializerFor(name: string, ownJs: string): Promise<ChosenInit> {
  if (name === ownInit) {
    const { ownInitializer } = await import('./own-initializer.js');
    return ownInitializer(ownJs);
  }
  const { initialize, dataDependent = false } = findInitializer(name);
  return { initialize, dataDependent };
}
