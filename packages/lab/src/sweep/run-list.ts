import { InitlabError } from '@initlab/core';
import { type DatasetName, type ImageDataset, limitDataset } from '@initlab/data';
import { chooseInitializer, chooseNorm } from '../plugins/index.js';
import type { TrainConfig } from '../train/train-config.js';
import { datasetHash, pluginHashes, type TrainSetup } from '../train/train-setup.js';
import { runKey } from './run-key.js';

/** A run of a table or sweep, with everything needed to start it. */
export interface SweepRun extends TrainSetup {
  /** Name of its folder. */
  readonly key: string;
  /** For people: `kaiming, resnet8, seed 1`. */
  readonly label: string;
}

/** A run that is wanted. */
export interface WantedRun {
  readonly label: string;
  readonly config: TrainConfig;
}

/**
 * Names runs by their content: reads each dataset once, each plug-in once. Runs of equal content are one. Answers the list
 * in the order given, and the key of each wanted run.
 */
export async function listRuns(
  wanted: readonly WantedRun[],
  load: (name: DatasetName) => Promise<ImageDataset>,
): Promise<{ runs: SweepRun[]; keys: string[] }> {
  const once = <K, V>(make: (key: K) => Promise<V>): ((key: K) => Promise<V>) => {
    const made = new Map<K, Promise<V>>();
    return (key) => {
      const known = made.get(key) ?? make(key);
      made.set(key, known);
      return known;
    };
  };
  const initializerOf = once(chooseInitializer);
  const normOf = once(chooseNorm);
  const datasetOf = once(load);
  const limited = once(async (key: string) => {
    const [name, limit] = JSON.parse(key) as [DatasetName, number | null];
    const whole = await datasetOf(name);
    const dataset = limit === null ? whole : limitDataset(whole, { train: limit, test: limit });
    return { dataset, data: datasetHash(dataset) };
  });
  const runs = new Map<string, SweepRun>();
  const keys: string[] = [];
  for (const { label, config } of wanted) {
    const [initializer, norm] = [await initializerOf(config.init), await normOf(config.norm)];
    if (config.dataset === 'folder')
      throw new InitlabError('tables and sweeps take datasets by name; on a folder of images, train with `initlab train --dataset folder`');
    const { dataset, data } = await limited(JSON.stringify([config.dataset, config.limit]));
    const plugins = pluginHashes({ initializer, norm });
    const key = runKey({ config, data, plugins });
    keys.push(key);
    if (!runs.has(key)) runs.set(key, { key, label, config, dataset, initializer, norm, data });
  }
  return { runs: [...runs.values()], keys };
}
