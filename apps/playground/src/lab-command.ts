import { ownInit } from './choices.js';
import type { Settings, SideName } from './settings.js';

/** File that the command line takes a person's own initialisation from. */
export const ownFile = 'own-init.ts';

/** The `initlab train` that begins with the same weights as this run, and goes on with the same batches of its first epoch. */
export function labCommand({ batchSize, seed, ...sides }: Settings, side: SideName): string {
  const { net, init, norm, lr } = sides[side];
  const options = {
    arch: net,
    dataset: 'fashion-mnist-sample',
    init: init === ownInit ? `./${ownFile}` : init,
    norm,
    lr,
    batch: batchSize,
    seed,
    schedule: 'constant',
    epochs: 10,
  };
  return ['npx initlab train', ...Object.entries(options).map(([name, value]) => `--${name} ${value}`)].join(' ');
}

/** Initialisations that look at images: what they compute from them differs by driver in its last bits. */
export const looksAtImages = (init: string): boolean => init === 'lsuv' || init.endsWith('-datadep');
