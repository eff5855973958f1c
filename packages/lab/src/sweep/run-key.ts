import { createHash } from 'node:crypto';
import type { JsonObject } from '../run/index.js';
import { type TrainConfig, trainConfig } from '../train/train-config.js';
import { numericsVersion, settingsIn } from '../train/train-setup.js';

/** All that names a run of a table or sweep. Adapter and kernels are recorded with it, but not part of its name. */
export interface RunIdentity {
  readonly config: TrainConfig;
  /** SHA-256 of the images and labels it sees. */
  readonly data: string;
  /** SHA-256 of each plug-in's text with what it imports, by what it is for. */
  readonly plugins: Readonly<Record<string, string>>;
  /** Default this initlab's. */
  readonly numerics?: number;
}

/** Name of a run's folder: the first 20 hexadecimal digits of a SHA-256 over its identity. */
export function runKey({ config, data, plugins, numerics = numericsVersion }: RunIdentity): string {
  const { init, norm, probe, ...settings } = config;
  // A file of one's own counts by its text, wherever it lies.
  const named = { ...settings, init: plugins.init ?? init, norm: plugins.norm ?? norm, ...(probe === null ? {} : { probe }) };
  return createHash('sha256')
    .update(JSON.stringify(sorted({ ...named, data, numerics })))
    .digest('hex')
    .slice(0, 20);
}

/** Keys in order, so that the order in which settings are written says nothing. */
const sorted = (settings: object): object => Object.fromEntries(Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The name that a run's folder should have, by its config.json. */
export const storedKey = (config: JsonObject): string =>
  runKey({
    config: trainConfig(settingsIn(config), { origin: 'config.json' }),
    data: String(config.data),
    plugins: (config.plugins ?? {}) as Record<string, string>,
    numerics: Number(config.numerics),
  });
