import path from 'node:path';
import { datasetCatalog, idxFileNames } from '../dataset/catalog.js';
import { DataError } from '../dataset/data-error.js';
import type { ImageSplit } from '../dataset/image-dataset.js';
import { type IdxDatasetName, type IdxRole, idxBytes, idxRoles, idxSplit, kindOf, type NamedIdx } from '../formats/from-files.js';
import { gunzip, isGzip } from '../formats/gunzip.js';
import { parseIdx } from '../formats/idx.js';
import { type Checks, md5Of } from './checks.js';
import { kindAt, readBytes } from './read-file.js';

/** Both splits as they were read. */
export interface FoundSplits {
  readonly folder: string;
  readonly train: ImageSplit;
  readonly test: ImageSplit;
  /** Files that are not the published ones, by their checksum. */
  readonly unpublished: readonly string[];
}
/** Where each of the four files may be read, best first. */
export type IdxPlaces = Readonly<Record<IdxRole, readonly string[]>>;

/** Sub-folders that archives, people and torchvision make. */
const subFolders: Readonly<Record<IdxDatasetName, readonly string[]>> = {
  mnist: ['', 'mnist', 'MNIST/raw', 'raw'],
  'fashion-mnist': ['', 'fashion-mnist', 'FashionMNIST/raw', 'raw'],
  'fashion-mnist-sample': [''],
};

/**
 * The four idx files in `dir` or its usual sub-folders; undefined when none holds all four whole. Beside the published
 * names they may be unpacked, have a dot in place of a dash (`train-images.idx3-ubyte`), or lie each in a folder of its own
 * name, as Kaggle has them. What a file is, is told by its content; one that is damaged does not stand before a whole one.
 */
export async function readIdxFolder(name: IdxDatasetName, dir: string, checks: Checks): Promise<FoundSplits | undefined> {
  for (const folder of subFolders[name].map((inner) => path.join(dir, inner))) {
    const places = Object.fromEntries(idxRoles.map((role) => [role, placesOf(role, folder)])) as unknown as IdxPlaces;
    const missing = idxRoles.filter((role) => places[role].length === 0);
    if (missing.length === idxRoles.length) continue;
    const splits = missing.length === 0 ? await readIdxPlaces(name, places, checks) : undefined;
    if (splits) return { ...splits, folder };
    if (missing.length > 0) {
      const names = missing.map((role) => `${idxFileNames[role]}.gz`).join(', ');
      checks.faults.push(new DataError(folder, `lacks ${names}. Fetch what is missing.`));
    }
  }
  return undefined;
}

function placesOf(role: IdxRole, folder: string): string[] {
  const dashed = idxFileNames[role];
  const dotted = dashed.replace('-idx', '.idx');
  const names = [`${dashed}.gz`, dashed, `${dotted}.gz`, dotted];
  const folders = [folder, ...names.map((name) => path.join(folder, name)).filter((inner) => kindAt(inner) === 'folder')];
  return folders.flatMap((inner) => names.map((name) => path.join(inner, name))).filter((file) => kindAt(file) === 'file');
}

/** The first images and labels that can be read and belong together. */
export async function readIdxPlaces(
  name: IdxDatasetName,
  places: IdxPlaces,
  checks: Checks,
): Promise<Omit<FoundSplits, 'folder'> | undefined> {
  const unpublished: string[] = [];
  const split = async (imagesRole: IdxRole, labelsRole: IdxRole): Promise<ImageSplit | undefined> => {
    for (const imagesFile of places[imagesRole]) {
      const images = await checks.attempt(() => readChecked(imagesFile, imagesRole, { name, checks }));
      for (const labelsFile of images ? places[labelsRole] : []) {
        const labels = await checks.attempt(() => readChecked(labelsFile, labelsRole, { name, checks }));
        const found = images && labels && (await checks.attempt(() => idxSplit(images, labels, { name })));
        if (!found) continue;
        unpublished.push(...[images, labels].flatMap(({ file, published }) => (published ? [] : [file])));
        return found;
      }
    }
    return undefined;
  };
  const train = await split('trainImages', 'trainLabels');
  const test = train && (await split('testImages', 'testLabels'));
  return test && { train, test, unpublished };
}

async function readChecked(
  file: string,
  role: IdxRole,
  { name, checks }: { name: IdxDatasetName; checks: Checks },
): Promise<NamedIdx & { published: boolean }> {
  const maxBytes = idxBytes(role);
  // Packing may add a little to what does not shrink.
  const { bytes } = await readBytes(file, { maxBytes: maxBytes + 65_536 });
  const unpacked = isGzip(bytes) ? await gunzip(bytes, { file, maxBytes }) : bytes;
  const array = parseIdx(unpacked, { file, kind: kindOf(role) });
  // The sample is not published anywhere else.
  const original = datasetCatalog[name].files[idxRoles.indexOf(role)];
  const published = !original || checks.holds(file, original, { packed: () => md5Of(bytes), unpacked: () => md5Of(unpacked) });
  return { file, array, published };
}
