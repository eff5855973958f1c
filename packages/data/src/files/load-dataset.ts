import path from 'node:path';
import { assetsDir } from '../assets-dir.js';
import { type DatasetName, datasetCatalog, datasetNames } from '../dataset/catalog.js';
import { DataError } from '../dataset/data-error.js';
import type { ImageDataset } from '../dataset/image-dataset.js';
import { commonOf, idxRoles } from '../formats/from-files.js';
import { dataCacheDir } from './cache-dir.js';
import { Checks } from './checks.js';
import { readCifarArchive, readCifarFolder } from './cifar-folder.js';
import { type DatasetDownload, fetchPublished } from './fetch-published.js';
import { type FoundSplits, type IdxPlaces, readIdxFolder, readIdxPlaces } from './idx-folder.js';

export interface LoadDatasetOptions {
  /** Look here only. Without it: Debian's folder (FashionMNIST), then the cache folder (`dataCacheDir()`). */
  readonly dir?: string;
  /** Fetch what is not found or damaged, into `dir` or the cache folder. Default false, as in PyTorch. */
  readonly download?: boolean | DatasetDownload;
  /** Told, a line each, of files fetched and why, redirects to another host, and files that are not the published ones. Default: console.warn. */
  readonly onNotice?: (line: string) => void;
}

const debianFolder = '/usr/share/datasets/fashion-mnist';

/**
 * A dataset from disk, or by download with the publisher's checksum (torchvision.datasets). What is found is held against
 * the checksum as it is read, where one is known for its form; with the download allowed a file that has another, or is
 * damaged, is fetched again, else it is read as it is if it is whole, and a line says so.
 * Throws DataError naming the file, what was found and the remedy when it is absent, truncated or not what it should be.
 */
export async function loadDataset(name: DatasetName, options: LoadDatasetOptions = {}): Promise<ImageDataset> {
  if (!datasetNames.includes(name))
    throw new DataError('loadDataset', `there is no dataset '${name}'; known are ${datasetNames.join(', ')}`);
  const { dir, download = false, onNotice = console.warn } = options;
  const info = datasetCatalog[name];
  const settings: DatasetDownload = typeof download === 'object' ? download : {};
  const mayFetch = download !== false && info.files.length > 0;
  const checks = new Checks({ insist: mayFetch, md5: settings.md5 });
  const places = dir !== undefined ? [dir] : defaultPlaces(name);
  const dataset = ({ train, test }: Omit<FoundSplits, 'folder'>, origin: string): ImageDataset => ({
    ...commonOf(info),
    train,
    test,
    origin,
  });
  for (const place of places) {
    const found = await readFolder(name, place, checks);
    if (!found) continue;
    const { folder, unpublished } = found;
    if (unpublished.length > 0)
      onNotice(
        `${folder}: not as published, by the MD5 of ${unpublished.map((file) => path.relative(folder, file)).join(', ')}; read as it is`,
      );
    return dataset(found, name === 'fashion-mnist-sample' && dir === undefined ? 'shipped with initlab' : folder);
  }
  if (mayFetch) {
    for (const fault of checks.faults.splice(0)) onNotice(fault.message);
    const folder = dir ?? path.join(dataCacheDir(), name);
    const base = await fetchPublished(name, { folder, download: settings, checks, notice: onNotice });
    const found = await readPublished(name, folder, checks);
    if (found) return dataset(found, base);
  }
  throw checks.faults[0] ?? notFound(name, places);
}

const readFolder = (name: DatasetName, dir: string, checks: Checks): Promise<FoundSplits | undefined> =>
  name === 'cifar10' || name === 'cifar100' ? readCifarFolder(name, dir, checks) : readIdxFolder(name, dir, checks);

/** What `fetchPublished` brought, and nothing that lies beside it. */
async function readPublished(name: DatasetName, folder: string, checks: Checks): Promise<Omit<FoundSplits, 'folder'> | undefined> {
  const files = datasetCatalog[name].files.map((file) => path.join(folder, file.name));
  if (name === 'cifar10' || name === 'cifar100') return checks.attempt(() => readCifarArchive(name, files[0] as string, checks));
  return readIdxPlaces(name, Object.fromEntries(idxRoles.map((role, i) => [role, [files[i]]])) as unknown as IdxPlaces, checks);
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
