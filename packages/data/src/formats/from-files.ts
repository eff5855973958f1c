import { checkChoice, checkObject, checkOptions } from '@initlab/core/internal';
import { type DatasetInfo, type DatasetName, datasetCatalog, idxFileNames } from '../dataset/catalog.js';
import { DataError } from '../dataset/data-error.js';
import { type ImageDataset, type ImageSplit, makeSplit } from '../dataset/image-dataset.js';
import { type CifarKind, parseCifar } from './cifar.js';
import { type IdxArray, readIdx } from './idx.js';

/** A file already in memory. `file` is only a name for messages. */
export interface NamedBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** The datasets that are four idx files. */
export type IdxDatasetName = Extract<DatasetName, 'mnist' | 'fashion-mnist' | 'fashion-mnist-sample'>;
/** Which of the four files: also the order in which the catalogue lists them. */
export type IdxRole = keyof typeof idxFileNames;
export const idxRoles = Object.keys(idxFileNames) as readonly IdxRole[];

/** The four files of an idx dataset, plain or gzip. */
export type IdxFiles = Readonly<Record<IdxRole, NamedBytes>>;

/**
 * MNIST from its four idx files, plain or gzip, wherever they were read (disk, fetch, a file chooser; torchvision: `MNIST`).
 * Throws DataError when one is truncated, of the wrong kind or another dataset's, or does not belong to its partner.
 */
export async function mnistFromFiles(files: IdxFiles, options: { origin?: string } = {}): Promise<ImageDataset> {
  checkOptions('mnistFromFiles', options, ['origin']);
  const { origin = 'memory' } = options;
  return idxFromFiles(files, { name: 'mnist', origin });
}

/** FashionMNIST from its four idx files, as `mnistFromFiles` (torchvision: `FashionMNIST`). */
export async function fashionMnistFromFiles(
  files: IdxFiles,
  options: { name?: Exclude<IdxDatasetName, 'mnist'>; origin?: string } = {},
): Promise<ImageDataset> {
  checkOptions('fashionMnistFromFiles', options, ['name', 'origin']);
  const { name = 'fashion-mnist', origin = 'memory' } = options;
  checkChoice('fashionMnistFromFiles', 'name', { value: name, known: ['fashion-mnist', 'fashion-mnist-sample'] });
  return idxFromFiles(files, { name, origin });
}

async function idxFromFiles(files: IdxFiles, { name, origin }: { name: IdxDatasetName; origin: string }): Promise<ImageDataset> {
  for (const role of ['', ...idxRoles] as const)
    checkObject('idx files', `{ ${idxRoles.join(', ')} }, each { file, bytes }`, role === '' ? files : files[role]);
  const read = async (role: IdxRole): Promise<NamedIdx> => {
    const { file, bytes } = files[role];
    return { file, array: await readIdx(bytes, { file, kind: kindOf(role), maxBytes: idxBytes(role) }) };
  };
  const train = idxSplit(await read('trainImages'), await read('trainLabels'), { name });
  const test = idxSplit(await read('testImages'), await read('testLabels'), { name });
  return { ...commonOf(datasetCatalog[name]), train, test, origin };
}

/** An idx file that was read. */
export interface NamedIdx {
  readonly file: string;
  readonly array: IdxArray;
}
export const kindOf = (role: IdxRole): 'images' | 'labels' => (role.endsWith('Images') ? 'images' : 'labels');
/** Bytes of the whole file unpacked, which no dataset of this form exceeds. */
export const idxBytes = (role: IdxRole): number => datasetCatalog.mnist.files[idxRoles.indexOf(role)]?.contents[0]?.bytes ?? 0;

/** Images and labels of one split. Throws DataError when they are not of each other, or not of this dataset. */
export function idxSplit(images: NamedIdx, labels: NamedIdx, { name }: { name: IdxDatasetName }): ImageSplit {
  const { title, classes, height, width } = datasetCatalog[name];
  const [, h, w] = images.array.shape;
  if (h !== height || w !== width)
    throw new DataError(images.file, `has images of ${h} × ${w}, ${title} has ${height} × ${width}. Name the folder with the right files.`);
  const split = makeSplit(images.array.data, labels.array.data, {
    bytesPerImage: height * width,
    classes: classes.length,
    file: `${images.file} + ${labels.file}`,
  });
  const other = Object.entries(firstLabels).find(([key]) => key === `${split.count} ${split.labels.subarray(0, 10).join('')}`)?.[1];
  if (other && !name.startsWith(other))
    throw new DataError(
      labels.file,
      `holds the labels of ${datasetCatalog[other].title}, not of ${title}: the names are the same. Name the folder with the right files.`,
    );
  return split;
}

/** The two datasets whose files have the same names, by number and first ten labels of a split. */
const firstLabels: Readonly<Record<string, 'mnist' | 'fashion-mnist'>> = {
  '60000 5041921314': 'mnist',
  '10000 7210414959': 'mnist',
  '60000 9003027255': 'fashion-mnist',
  '10000 9211614657': 'fashion-mnist',
};

/** CIFAR-10 or CIFAR-100 from the files of the official binary version (`data_batch_*.bin`, `test_batch.bin`; `train.bin`, `test.bin`). */
export function cifarFromFiles(
  files: { readonly train: readonly NamedBytes[]; readonly test: readonly NamedBytes[] },
  options: { kind: CifarKind; origin?: string },
): ImageDataset {
  checkOptions('cifarFromFiles', options, ['kind', 'origin']);
  checkObject('cifarFromFiles', '{ train, test }, each a list of { file, bytes }', files);
  const { kind, origin = 'memory' } = options;
  const [train, test] = [parseCifar(files.train, kind), parseCifar(files.test, kind)];
  return { ...commonOf(datasetCatalog[kind]), train, test, origin };
}

/** What an ImageDataset repeats of the catalogue. */
export const commonOf = ({
  name,
  classes,
  channels,
  height,
  width,
  mean,
  std,
}: DatasetInfo): Omit<ImageDataset, 'train' | 'test' | 'origin'> => ({
  name,
  classes,
  channels,
  height,
  width,
  mean,
  std,
});
