import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DatasetName } from '../catalog.js';
import { DataError } from '../data-error.js';

/** The idx files of FashionMNIST found in one folder. */
export interface FashionFiles {
  readonly kind: 'fashion';
  readonly folder: string;
  readonly paths: Record<'trainImages' | 'trainLabels' | 'testImages' | 'testLabels', string>;
}
/** CIFAR's binary version: its archive, or the files extracted from it. */
export interface CifarFiles {
  readonly kind: 'cifar';
  readonly folder: string;
  readonly archive?: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
}
export type DatasetFiles = FashionFiles | CifarFiles;

const fashionFiles = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
};

/** File names within CIFAR's archives. */
export const cifarMembers = {
  cifar10: { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), test: ['test_batch.bin'] },
  cifar100: { train: ['train.bin'], test: ['test.bin'] },
};

/**
 * Looks for a dataset's files in `dir` and the sub-folders its archives and PyTorch make. Undefined when there are none;
 * throws DataError when there are some, but not all, or only the pickled version of CIFAR.
 */
export function locateDataset(name: DatasetName, dir: string): DatasetFiles | undefined {
  return name === 'cifar10' || name === 'cifar100' ? locateCifar(name, dir) : locateFashion(dir);
}

function locateFashion(dir: string): FashionFiles | undefined {
  for (const folder of [dir, ...['fashion-mnist', 'FashionMNIST/raw', 'raw'].map((inner) => path.join(dir, inner))]) {
    const found = Object.entries(fashionFiles).map(([key, name]) => {
      const at = [`${name}.gz`, name].map((file) => path.join(folder, file)).find((file) => existsSync(file));
      return { key, name, at };
    });
    const missing = found.filter(({ at }) => at === undefined);
    if (missing.length === found.length) continue;
    if (missing.length > 0)
      throw new DataError(folder, `lacks ${missing.map(({ name }) => `${name}.gz`).join(', ')}. Fetch what is missing.`);
    const paths = Object.fromEntries(found.map(({ key, at }) => [key, at])) as FashionFiles['paths'];
    return { kind: 'fashion', folder, paths };
  }
  return undefined;
}

function locateCifar(name: 'cifar10' | 'cifar100', dir: string): CifarFiles | undefined {
  const stem = name === 'cifar10' ? 'cifar-10' : 'cifar-100';
  const { train, test } = cifarMembers[name];
  const extracted = name === 'cifar10' ? 'cifar-10-batches-bin' : 'cifar-100-binary';
  for (const folder of [path.join(dir, extracted), path.join(dir, name), path.join(dir, name, extracted), dir]) {
    const missing = [...train, ...test].filter((file) => !existsSync(path.join(folder, file)));
    if (missing.length === train.length + test.length) continue;
    // The archive may still lie beside a folder that was unpacked in part.
    const archive = archiveIn([dir, folder, path.dirname(folder)], stem);
    if (missing.length > 0 && archive) return { kind: 'cifar', folder: path.dirname(archive), archive, train, test };
    if (missing.length > 0) throw new DataError(folder, `lacks ${missing.join(', ')}. Unpack ${stem}-binary.tar.gz again.`);
    return { kind: 'cifar', folder, train, test };
  }
  const archive = archiveIn([dir, path.join(dir, name)], stem);
  if (archive) return { kind: 'cifar', folder: path.dirname(archive), archive, train, test };
  const pickled = [`${stem}-python.tar.gz`, name === 'cifar10' ? 'cifar-10-batches-py' : 'cifar-100-python'].find((file) =>
    existsSync(path.join(dir, file)),
  );
  if (pickled)
    throw new DataError(
      path.join(dir, pickled),
      `is the pickled Python version, which initlab does not read. Fetch ${stem}-binary.tar.gz.`,
    );
  return undefined;
}

const archiveIn = (folders: readonly string[], stem: string): string | undefined =>
  folders.map((folder) => path.join(folder, `${stem}-binary.tar.gz`)).find((file) => existsSync(file));
