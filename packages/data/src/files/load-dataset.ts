import { existsSync } from 'node:fs';
import path from 'node:path';
import { assetsDir } from '../assets-dir.js';
import { type DatasetName, datasetCatalog, datasetNames } from '../catalog.js';
import { DataError } from '../data-error.js';
import { cifarFromFiles, fashionMnistFromFiles, type NamedBytes } from '../from-files.js';
import type { ImageDataset } from '../image-dataset.js';
import { dataCacheDir } from './cache-dir.js';
import { type DownloadProgress, downloadFile } from './download.js';
import { type DatasetFiles, locateDataset } from './locate.js';
import { readBytes } from './read-file.js';
import { readTarGz } from './tar-archive.js';

export interface DatasetDownload {
  /** Address the files lie under. Default: the publisher's. */
  readonly baseUrl?: string;
  /** Checksums by file name in place of the published ones, for a mirror that serves other files. */
  readonly md5?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: DownloadProgress) => void;
  readonly signal?: AbortSignal;
}
export interface LoadDatasetOptions {
  /** Look here only. Without it: Debian's folder (FashionMNIST), then the cache folder (`dataCacheDir()`). */
  readonly dir?: string;
  /** Fetch what is not found, into `dir` or the cache folder. Default false, as in PyTorch. */
  readonly download?: boolean | DatasetDownload;
}

const debianFolder = '/usr/share/datasets/fashion-mnist';

/**
 * A dataset from disk, or by download with the publisher's checksum (torchvision.datasets).
 * Throws DataError naming the file, what was found and the remedy when it is absent, truncated or not what it should be.
 */
export async function loadDataset(name: DatasetName, options: LoadDatasetOptions = {}): Promise<ImageDataset> {
  if (!datasetNames.includes(name)) throw new Error(`loadDataset: there is no dataset '${name}'; known are ${datasetNames.join(', ')}`);
  const sample = name === 'fashion-mnist-sample';
  const places = options.dir !== undefined ? [options.dir] : defaultPlaces(name);
  for (const place of places) {
    const files = options.download ? locateOrNothing(name, place) : locateDataset(name, place);
    if (files) return readFiles(name, files, sample && options.dir === undefined ? 'shipped with initlab' : files.folder);
  }
  const { baseUrl, files } = datasetCatalog[name];
  if (options.download && files.length > 0) {
    const settings: DatasetDownload = options.download === true ? {} : options.download;
    const folder = options.dir ?? path.join(dataCacheDir(), name);
    const base = settings.baseUrl === undefined ? baseUrl : `${settings.baseUrl.replace(/\/+$/, '')}/`;
    for (const { name: file, md5 } of files) {
      const target = path.join(folder, file);
      if (existsSync(target)) continue;
      const { onProgress, signal } = settings;
      await downloadFile({ url: base + file, target }, { md5: settings.md5?.[file] ?? md5, onProgress, signal });
    }
    const found = locateDataset(name, folder);
    if (found) return readFiles(name, found, base);
  }
  throw notFound(name, places);
}

/** A folder that holds only some of the files is no failure when the rest may be downloaded. */
function locateOrNothing(name: DatasetName, place: string): DatasetFiles | undefined {
  try {
    return locateDataset(name, place);
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}

function defaultPlaces(name: DatasetName): string[] {
  if (name === 'fashion-mnist-sample') return [path.join(assetsDir(), name)];
  const cache = dataCacheDir();
  return [...(name === 'fashion-mnist' ? [debianFolder] : []), path.join(cache, name), cache];
}

function notFound(name: DatasetName, places: readonly string[]): DataError {
  const searched = `not found in ${places.join(', ')}`;
  if (name === 'fashion-mnist-sample')
    return new DataError(name, `${searched}. The package @initlab/data is incomplete; install it again.`);
  const debian = name === 'fashion-mnist' ? 'install it (Debian, Ubuntu: apt-get install dataset-fashion-mnist), ' : '';
  const files = datasetCatalog[name].files.map((file) => file.name).join(', ');
  const remedy = `${debian}put ${files} into a folder and name it (dir, --data-dir), or allow the download (download: true, --download)`;
  return new DataError(name, `${searched}. Remedy: ${remedy}. To try things out, fashion-mnist-sample ships with initlab.`);
}

async function readFiles(name: DatasetName, files: DatasetFiles, origin: string): Promise<ImageDataset> {
  if (files.kind === 'fashion') {
    const { trainImages, trainLabels, testImages, testLabels } = files.paths;
    return fashionMnistFromFiles(
      {
        trainImages: await readBytes(trainImages),
        trainLabels: await readBytes(trainLabels),
        testImages: await readBytes(testImages),
        testLabels: await readBytes(testLabels),
      },
      { name: name === 'fashion-mnist-sample' ? name : 'fashion-mnist', origin },
    );
  }
  const kind = name === 'cifar10' ? 'cifar10' : 'cifar100';
  const { archive } = files;
  if (!archive) {
    const read = (member: string): Promise<NamedBytes> => readBytes(path.join(files.folder, member));
    return cifarFromFiles(
      { train: await Promise.all(files.train.map(read)), test: await Promise.all(files.test.map(read)) },
      { kind, origin },
    );
  }
  const members = await readTarGz(archive, [...files.train, ...files.test]);
  const take = (member: string): NamedBytes => ({ file: `${archive}:${member}`, bytes: members.get(member) as Uint8Array });
  return cifarFromFiles({ train: files.train.map(take), test: files.test.map(take) }, { kind, origin });
}
