import { OpError } from '@initlab/core';
import { checkEntry } from '@initlab/core/internal';
import { lsuv } from './data-dependent.js';
import { fixup } from './fixup.js';
import { initDesign } from './init-design.js';
import { initDesignTried } from './init-design-tried.js';
import { residualScale } from './residual-scale.js';
import { type InitializerEntry, storedInitializer, storedInitializers, storeInitializer } from './stored.js';
import { vanilla } from './vanilla.js';
import { hanin, weightNorm } from './weight-norm.js';

/** The strategies there are without anybody registering one, put in as they are first asked for: a bundle that never asks has none. */
function entries(): Map<string, InitializerEntry> {
  if (storedInitializers.size === 0)
    for (const entry of [
      initDesign,
      initDesignTried,
      lsuv,
      residualScale,
      fixup,
      weightNorm('he'),
      weightNorm('orthogonal'),
      hanin,
      vanilla,
    ].flat())
      storeInitializer(entry);
  return storedInitializers;
}

/**
 * Make a strategy known by name to `initlab` and the tables. Throws for a name that is taken. Where the strategy throws, the
 * model's parameters are again what they were.
 */
export function registerInitializer(entry: InitializerEntry): void {
  checkEntry('registerInitializer', entry, 'initialize');
  if (entries().has(entry.name))
    throw new OpError('registerInitializer', `there is an initialisation "${entry.name}" already; give yours another name`);
  storeInitializer(entry);
}

/** The registered strategies, in order of registration. */
export const listInitializers = (): readonly InitializerEntry[] => [...entries().values()];

/** The strategy registered under a name; throws with the nearest name when there is none. */
export function findInitializer(name: string): InitializerEntry {
  entries();
  return storedInitializer(name);
}
