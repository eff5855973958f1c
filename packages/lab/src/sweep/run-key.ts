import { createHash } from 'node:crypto';
import type { ImageDataset } from '@initlab/data';
import type { TrainConfig } from '../train/train-config.js';

/**
 * Version of what decides a run's bits besides its settings: counted up when a change of kernels, of random numbers or of the
 * training loop makes the same settings give other numbers, so that old results are not taken for new ones.
 */
export const numericsVersion = 1;

/** All that names a run of a table or sweep. Adapter and kernels are recorded with it, but not part of its name. */
export interface RunIdentity {
  readonly config: TrainConfig;
  /** SHA-256 of the images and labels it sees. */
  readonly data: string;
  /** SHA-256 of each plug-in's text with what it imports, by what it is for. */
  readonly plugins: Readonly<Record<string, string>>;
}

/** Name of a run's folder: the first 20 hexadecimal digits of a SHA-256 over its identity. */
export function runKey({ config, data, plugins }: RunIdentity): string {
  const { init, norm, ...settings } = config;
  // A file of one's own counts by its text, wherever it lies.
  const named = { ...settings, init: plugins.init ?? init, norm: plugins.norm ?? norm };
  return createHash('sha256')
    .update(JSON.stringify(sorted({ ...named, data, numerics: numericsVersion })))
    .digest('hex')
    .slice(0, 20);
}

/** Keys in order, so that the order in which settings are written says nothing. */
const sorted = (settings: object): object => Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));

/** SHA-256 of a dataset's images and labels, and of how they are laid out. */
export function datasetHash({ name, channels, height, width, mean, std, train, test }: ImageDataset): string {
  const hash = createHash('sha256').update(
    JSON.stringify({ name, channels, height, width, mean, std, train: train.count, test: test.count }),
  );
  for (const split of [train, test]) hash.update(split.images).update(split.labels);
  return hash.digest('hex');
}
