import { chooseInitializer, chooseNorm } from '../plugins/index.js';
import { type DatasetPlace, datasetKey, datasetOf, limited } from '../train/dataset-of.js';
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
export async function listRuns(wanted: readonly WantedRun[], place: DatasetPlace = {}): Promise<{ runs: SweepRun[]; keys: string[] }> {
  const once = <A, V>(make: (from: A) => Promise<V>, keyOf: (from: A) => string): ((from: A) => Promise<V>) => {
    const made = new Map<string, Promise<V>>();
    return (from) => {
      const known = made.get(keyOf(from)) ?? make(from);
      made.set(keyOf(from), known);
      return known;
    };
  };
  const initializerOf = once(chooseInitializer, (name) => name);
  const normOf = once(chooseNorm, (name) => name);
  const allOf = once((config: TrainConfig) => datasetOf(config, place), datasetKey);
  const imagesOf = once(
    async (config: TrainConfig) => {
      const dataset = limited(await allOf(config), config);
      return { dataset, data: datasetHash(dataset) };
    },
    (config) => `${datasetKey(config)} ${config.limit}`,
  );
  const runs = new Map<string, SweepRun>();
  const keys: string[] = [];
  for (const { label, config } of wanted) {
    const [initializer, norm] = [await initializerOf(config.init), await normOf(config.norm)];
    const { dataset, data } = await imagesOf(config);
    const plugins = pluginHashes({ initializer, norm });
    const key = runKey({ config, data, plugins });
    keys.push(key);
    if (!runs.has(key)) runs.set(key, { key, label, config, dataset, initializer, norm, data });
  }
  return { runs: [...runs.values()], keys };
}
