import { own } from './choices.js';
import type { CodeKind, Settings, SideName } from './settings.js';

/** Files that the command line takes a person's own initialisation and norm from. */
export const ownFile: Readonly<Record<CodeKind, string>> = { init: 'own-init.ts', norm: 'own-norm.ts' };

/** The `initlab train` that begins with the same weights as this run, and goes on with the same batches of its first epoch. */
export function labCommand({ batchSize, seed, ...sides }: Settings, side: SideName): string {
  const { net, lr } = sides[side];
  const named = (kind: CodeKind): string => (sides[side][kind] === own ? `./${ownFile[kind]}` : sides[side][kind]);
  const options = {
    arch: net,
    dataset: 'fashion-mnist-sample',
    init: named('init'),
    norm: named('norm'),
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
