import { InitlabError } from '@initlab/core';
import { type ImageDataset, limitDataset } from '@initlab/data';
import { loadDataset, loadImageFolder } from '@initlab/data/node';
import { type TrainConfig, usualImageSize } from './train-config.js';

/** Where a dataset is looked for. */
export interface DatasetPlace {
  readonly dataDir?: string | undefined;
  readonly download?: boolean | undefined;
}

/** Equal for configurations that name the same images. */
export const datasetKey = ({ dataset, imageSize, testShare }: TrainConfig): string =>
  JSON.stringify(dataset === 'folder' ? [dataset, imageSize, testShare] : [dataset]);

/** Of these the images that a run of this configuration may see. */
export const limited = (all: ImageDataset, { dataset, limit }: TrainConfig): ImageDataset =>
  // A folder's lie class after class, of which the first images would be one.
  limit === null ? all : limitDataset(all, { train: limit, test: limit, spread: dataset === 'folder' });

/** All images that a configuration names. */
export async function datasetOf(
  { dataset, imageSize = usualImageSize, testShare }: TrainConfig,
  { dataDir, download = false }: DatasetPlace,
): Promise<ImageDataset> {
  if (dataset !== 'folder') return loadDataset(dataset, { ...(dataDir ? { dir: dataDir } : {}), download });
  if (!dataDir)
    throw new InitlabError(
      '--dataset folder: name the folder with --data-dir; it has train/CLASS and test/CLASS (or val) with .png and .jpg files, ' +
        'or CLASS alone with a --test-share',
    );
  if (download) throw new InitlabError('--download: of a folder of your own there is nothing to fetch; leave it out');
  const found = await loadImageFolder(dataDir, { size: imageSize, testShare });
  // Wherever it lies and whatever it is called, the same images are the same data.
  return { ...found, name: `a folder of ${found.classes.length} classes` };
}
