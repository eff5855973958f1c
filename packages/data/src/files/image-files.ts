import type { Dirent } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { DataError } from '../dataset/data-error.js';
import { fileError, kindAt } from './read-file.js';

const imageFile = /\.(png|jpe?g)$/i;
/** Images that others read: left out in silence, a class would lack them. */
const otherImage = /\.(ppm|bmp|pgm|pbm|pnm|tiff?|webp|gif|heic|heif|avif|jxl|jp2)$/i;

/** A class with its images. */
export interface ClassFiles {
  readonly name: string;
  readonly files: readonly string[];
}

/** By Unicode's numbers, as Python sorts; JavaScript's own order has those from 65536 on elsewhere. */
const byCharacters = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What a folder shows, in the order of names; hidden entries are left out, links are what they lead to. */
async function entriesOf(folder: string): Promise<{ name: string; place: string; isFolder: boolean; isLink: boolean }[]> {
  const listed: Dirent[] = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(folder, cause, 'read');
  });
  return listed
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => {
      const place = path.join(folder, entry.name);
      const isLink = entry.isSymbolicLink();
      return { name: entry.name, place, isLink, isFolder: isLink ? kindAt(place) === 'folder' : entry.isDirectory() };
    })
    .sort((a, b) => byCharacters(a.name, b.name));
}

/** It holds folders, which may be classes, and no images. */
export async function holdsClasses(folder: string): Promise<boolean> {
  if (kindAt(folder) !== 'folder') return false;
  const entries = await entriesOf(folder);
  return entries.some(({ isFolder }) => isFolder) && !entries.some(({ name, isFolder }) => !isFolder && imageFile.test(name));
}

/** The classes of a folder with their images; folders inside a class's count as part of it. Throws DataError naming what is amiss. */
export async function listImages(folder: string): Promise<ClassFiles[]> {
  const folders = (await entriesOf(folder)).filter(({ isFolder }) => isFolder);
  if (folders.length === 0) throw new DataError(folder, 'has no folders, one for each class. Put the images of each class into one.');
  const classes: ClassFiles[] = [];
  for (const { name, place } of folders) {
    const files = await imagesBelow(place, [await realpath(place)]);
    if (files.length === 0) throw new DataError(place, 'has no .png, .jpg or .jpeg. Remove the folder, or put images of its class there.');
    classes.push({ name, files: files.sort(byCharacters) });
  }
  return classes;
}

/** `above` are the folders on the way here, as they are without links: one that a link leads back to would be read for ever. */
async function imagesBelow(folder: string, above: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const { name, place, isFolder, isLink } of await entriesOf(folder)) {
    if (isFolder) {
      const real = isLink ? await realpath(place) : path.join(above.at(-1) ?? folder, name);
      if (above.includes(real)) throw new DataError(place, 'is a link to a folder that it lies in. Remove it.');
      files.push(...(await imagesBelow(place, [...above, real])));
    } else if (imageFile.test(name)) files.push(place);
    else if (otherImage.test(name))
      throw new DataError(place, 'is an image of a kind that is not read here. Convert it to PNG or JPEG, or remove it.');
  }
  return files;
}
