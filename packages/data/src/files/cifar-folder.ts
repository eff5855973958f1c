import path from 'node:path';
import { datasetCatalog, type PublishedFile } from '../dataset/catalog.js';
import { DataError } from '../dataset/data-error.js';
import type { ImageSplit } from '../dataset/image-dataset.js';
import { type CifarKind, parseCifar } from '../formats/cifar.js';
import type { NamedBytes } from '../formats/from-files.js';
import type { Checks } from './checks.js';
import type { FoundSplits } from './idx-folder.js';
import { kindAt, readBytes } from './read-file.js';
import { readArchive } from './tar-archive.js';

/**
 * CIFAR's binary version in `dir` or its usual sub-folders: the files of the archive, else the archive, as .tar.gz, .tgz or
 * .tar, gzip or not; undefined when none of them is whole.
 */
export async function readCifarFolder(kind: CifarKind, dir: string, checks: Checks): Promise<FoundSplits | undefined> {
  const published = archiveOf(kind);
  const stem = published.name.replace(/\.tar\.gz$/, '');
  const archives = [`${stem}.tar.gz`, `${stem}.tgz`, `${stem}.tar`];
  // Some programs unpack into a folder named like the archive.
  const folders = ['', kind, stem, ...archives].map((inner) => path.join(dir, inner)).filter((folder) => kindAt(folder) === 'folder');
  const unpacked = path.posix.dirname(published.contents[0]?.path ?? '');
  for (const folder of folders.flatMap((one) => [path.join(one, unpacked), one])) {
    const found = await checks.attempt(() => readUnpacked(kind, folder));
    if (found) return { ...found, folder, unpublished: [] };
  }
  for (const archive of folders.flatMap((folder) => archives.map((name) => path.join(folder, name)))) {
    if (kindAt(archive) === undefined) continue;
    const found = await checks.attempt(() => readCifarArchive(kind, archive, checks));
    if (found) return { ...found, folder: path.dirname(archive) };
  }
  const pickled = [stem.replace(/binary$/, 'python.tar.gz'), kind === 'cifar10' ? 'cifar-10-batches-py' : 'cifar-100-python'];
  const there = pickled.map((name) => path.join(dir, name)).find((place) => kindAt(place) !== undefined);
  if (there)
    checks.faults.push(new DataError(there, `is the pickled Python version, which initlab does not read. Fetch ${published.name}.`));
  return undefined;
}

/** From one archive. Throws DataError when it is damaged or, with the download allowed, not the published one. */
export async function readCifarArchive(kind: CifarKind, archive: string, checks: Checks): Promise<Omit<FoundSplits, 'folder'>> {
  const published = archiveOf(kind);
  const { members, md5 } = await readArchive(archive, published.contents);
  const holds = checks.holds(archive, published, { packed: () => md5 });
  const splits = splitsOf(kind, (name) => ({ file: `${archive}:${name}`, bytes: members.get(name) as Uint8Array }));
  return { ...splits, unpublished: holds ? [] : [archive] };
}

/** The files of the archive, where some of them are in `folder`. */
async function readUnpacked(kind: CifarKind, folder: string): Promise<{ train: ImageSplit; test: ImageSplit } | undefined> {
  const { name: archive, contents } = archiveOf(kind);
  const files = contents.map(({ path: place, bytes }) => ({ name: path.posix.basename(place), bytes }));
  const missing = files.filter(({ name }) => kindAt(path.join(folder, name)) === undefined);
  if (missing.length === files.length) return undefined;
  if (missing.length > 0) throw new DataError(folder, `lacks ${missing.map(({ name }) => name).join(', ')}. Unpack ${archive} again.`);
  const read = new Map<string, NamedBytes>();
  for (const { name, bytes } of files) read.set(name, await readBytes(path.join(folder, name), { maxBytes: bytes }));
  return splitsOf(kind, (name) => read.get(name) as NamedBytes);
}

function splitsOf(kind: CifarKind, take: (name: string) => NamedBytes): { train: ImageSplit; test: ImageSplit } {
  const names = archiveOf(kind).contents.map(({ path: place }) => path.posix.basename(place));
  const isTest = (name: string): boolean => name.startsWith('test');
  const split = (members: readonly string[]): ImageSplit => parseCifar(members.map(take), kind);
  return { train: split(names.filter((name) => !isTest(name))), test: split(names.filter(isTest)) };
}

const archiveOf = (kind: CifarKind): PublishedFile => datasetCatalog[kind].files[0] as PublishedFile;
