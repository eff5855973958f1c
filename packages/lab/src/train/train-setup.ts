import { createHash } from 'node:crypto';
import type { ImageDataset } from '@initlab/data';
import { type ChosenInitializer, type ChosenNorm, chooseInitializer, chooseNorm, pluginCopies } from '../plugins/index.js';
import { type JsonObject, type PluginCopies, RunError, type RunFolder, runFiles } from '../run/index.js';
import { type DatasetPlace, datasetOf, limited } from './dataset-of.js';
import type { TrainConfig } from './train-config.js';

/**
 * Version of what decides a run's bits besides its settings: counted up when a change of kernels, of random numbers or of the
 * training loop makes the same settings give other numbers, so that old results are not taken for new ones.
 */
export const numericsVersion = 2;

/** A training's settings with all they name, loaded: what decides its numbers. */
export interface TrainSetup {
  readonly config: TrainConfig;
  /** Already limited to the images the run may see. */
  readonly dataset: ImageDataset;
  /** SHA-256 of these images. */
  readonly data: string;
  readonly initializer: ChosenInitializer;
  readonly norm: ChosenNorm;
}

/** Loads what a configuration names. */
export async function loadSetup(config: TrainConfig, place: DatasetPlace = {}): Promise<TrainSetup> {
  const [initializer, norm] = [await chooseInitializer(config.init), await chooseNorm(config.norm)];
  const dataset = limited(await datasetOf(config, place), config);
  return { config, dataset, data: datasetHash(dataset), initializer, norm };
}

/** Everything that decides a run's numbers, as its config.json has it. */
export function runConfig(setup: TrainSetup): JsonObject {
  const plugins = pluginHashes(setup);
  return {
    experiment: 'train',
    ...setup.config,
    ...(Object.keys(plugins).length > 0 ? { plugins } : {}),
    data: setup.data,
    numerics: numericsVersion,
  };
}

/** The settings among what a run's config.json has. */
export function settingsIn(stored: JsonObject): JsonObject {
  const { experiment: _e, plugins: _p, data: _d, numerics: _n, ...settings } = stored;
  return settings;
}

/** Copies of the user's own files for a run's folder. */
export const setupPlugins = ({ initializer, norm }: TrainSetup): Promise<PluginCopies> =>
  pluginCopies({ init: initializer.plugin, norm: norm.plugin });

/** Throws RunError where a run that is to go on was started with other images, plug-ins or numerics than there are here. */
export function checkSetup(run: RunFolder, setup: TrainSetup): void {
  const { plugins = {}, data, numerics } = run.config as { plugins?: Record<string, string>; data?: unknown; numerics?: unknown };
  const { dataset, initializer, norm } = setup;
  if (numerics !== numericsVersion)
    throw new RunError(
      run.folder,
      `was started by an initlab that computes otherwise (version ${String(numerics)} of its numerics, here ${numericsVersion}). Go on with that one, or start a new run.`,
    );
  if (data !== setup.data)
    throw new RunError(
      run.folder,
      `was started with other images than those of ${dataset.name} from ${dataset.origin}: their checksum differs. Give the folder of the same ones with --data-dir.`,
    );
  for (const [kind, { plugin }] of Object.entries({ init: initializer, norm }))
    if (plugin && plugins[kind] !== plugin.hash)
      throw new RunError(
        run.folder,
        `was started with another content of ${plugin.file}. A copy of that one is in ${run.folder}/${runFiles.plugins}/${kind}.`,
      );
}

/** Hashes of a user's own files, by what they are for. */
export function pluginHashes({ initializer, norm }: Pick<TrainSetup, 'initializer' | 'norm'>): Record<string, string> {
  return {
    ...(initializer.plugin ? { init: initializer.plugin.hash } : {}),
    ...(norm.plugin ? { norm: norm.plugin.hash } : {}),
  };
}

/** SHA-256 of a dataset's images and labels, and of how they are laid out. */
export function datasetHash({ name, channels, height, width, mean, std, train, test }: ImageDataset): string {
  const hash = createHash('sha256').update(
    JSON.stringify({ name, channels, height, width, mean, std, train: train.count, test: test.count }),
  );
  for (const split of [train, test]) hash.update(split.images).update(split.labels);
  return hash.digest('hex');
}
