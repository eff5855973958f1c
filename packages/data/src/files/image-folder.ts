import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { checkNumber, checkOptions, OpError } from '@initlab/core';
import { DataError } from '../dataset/data-error.js';
import { holdOut } from '../dataset/hold-out.js';
import { type ImageDataset, type ImageSplit, makeSplit } from '../dataset/image-dataset.js';
import { decodeImage } from '../formats/decode-image.js';
import { centreCrop, planesOf } from '../transforms/centre-crop.js';
import { fileError, kindAt, readBytes } from './read-file.js';

/** Options of `loadImageFolder`. */
export interface ImageFolderOptions {
  /**
   * Height and width that images are brought to: the shorter side resized, the middle cut out. Default: as they are, if all have one
   * size.
   */
  readonly size?: number | undefined;
  /** Share of the images kept for the test, where the folder has no `test` or `val` of its own. */
  readonly testShare?: number | undefined;
  /** Which images these are follows from it. Default 0. */
  readonly seed?: number | undefined;
  /** Of x / 255, per channel. Default: ImageNet's. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  /** Told as images are read. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

const optionNames = ['size', 'testShare', 'seed', 'mean', 'std', 'onProgress'] as const;
/** Nobody's photograph is larger; what is would fill the memory. */
const maxFileBytes = 256 << 20;
const imageFile = /\.(png|jpe?g)$/i;
const testFolders = ['test', 'val', 'validation', 'valid'];
/** ImageNet's, of colours and of their gray. */
const usual = { 1: { mean: [0.449], std: [0.226] }, 3: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } } as const;

/**
 * PNG and JPEG files as a dataset, classes by folder (torchvision's `ImageFolder`): `dir/train/CLASS/…` and `dir/test/CLASS/…` (or
 * `val`), or `dir/CLASS/…` with a `testShare`. Class and file names count in the order of their characters. Decoded once, to bytes;
 * gray where all images are, else colours. Throws DataError naming the file or folder and the remedy.
 */
export async function loadImageFolder(dir: string, options: ImageFolderOptions = {}): Promise<ImageDataset> {
  checkOptions('loadImageFolder', options, optionNames);
  if (typeof dir !== 'string') throw new OpError('loadImageFolder', 'takes the path of a folder');
  const { size, testShare, seed = 0, onProgress } = options;
  if (size !== undefined) checkNumber('loadImageFolder', { size }, { from: 1, whole: true });
  const trainFolder = path.join(dir, 'train');
  const testFolder = testFolders.map((name) => path.join(dir, name)).find((place) => kindAt(place) === 'folder');
  const divided = kindAt(trainFolder) === 'folder' && testFolder !== undefined;
  if (!divided && testShare === undefined)
    throw new DataError(dir, 'has no folders train and test (or val), each with a folder for each class. Make them, or give testShare.');
  const train = await listImages(divided ? trainFolder : dir);
  const test = divided ? await listImages(testFolder) : [];
  const classes = train.map(({ name }) => name);
  const stray = test.find(({ name }) => !classes.includes(name));
  if (stray) throw new DataError(path.join(testFolder ?? dir, stray.name), 'is a class that train does not have. Rename or remove it.');
  if (classes.length > 65_536) throw new DataError(dir, `has ${classes.length} classes; 65536 are the most.`);
  const total = [...train, ...test].reduce((sum, { files }) => sum + files.length, 0);
  const reader = new ImageReader({ size, tell: (done) => onProgress?.({ done, total }) });
  const [trainRead, testRead] = [await reader.read(train, classes), await reader.read(test, classes)];
  const { channels, height, width } = reader.shape(dir);
  const split = ({ images, labels }: Read, file: string): ImageSplit =>
    makeSplit(
      joined(images, { channels, bytes: height * width }),
      classes.length > 256 ? Uint16Array.from(labels) : Uint8Array.from(labels),
      {
        bytesPerImage: channels * height * width,
        classes: classes.length,
        file,
      },
    );
  const all = split(trainRead, divided ? trainFolder : dir);
  const { mean, std } = { mean: options.mean ?? usual[channels].mean, std: options.std ?? usual[channels].std };
  const dataset = { name: path.basename(path.resolve(dir)), classes, channels, height, width, mean, std, origin: dir };
  if (divided) return { ...dataset, train: all, test: split(testRead, testFolder) };
  const parts = holdOut({ ...dataset, train: all, test: all }, { share: testShare ?? 0, seed });
  return { ...dataset, train: parts.train, test: parts.validation };
}

interface ClassFiles {
  readonly name: string;
  readonly files: readonly string[];
}

const byCharacters = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const hidden = (name: string): boolean => name.startsWith('.');

const listed = (folder: string) =>
  readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(folder, cause, 'read');
  });

/** The classes of a folder with their images; folders inside a class's count as part of it. */
async function listImages(folder: string): Promise<ClassFiles[]> {
  const names = (await listed(folder)).flatMap((entry) => (entry.isDirectory() && !hidden(entry.name) ? [entry.name] : []));
  if (names.length === 0) throw new DataError(folder, 'has no folders, one for each class. Put the images of each class into one.');
  const classes: ClassFiles[] = [];
  for (const name of names.sort(byCharacters)) {
    const place = path.join(folder, name);
    const files = await imagesBelow(place);
    if (files.length === 0) throw new DataError(place, 'has no .png, .jpg or .jpeg. Remove the folder, or put images of its class there.');
    classes.push({ name, files: files.sort(byCharacters) });
  }
  return classes;
}

async function imagesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await listed(folder)) {
    if (hidden(entry.name)) continue;
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await imagesBelow(place)));
    else if (imageFile.test(entry.name)) files.push(place);
  }
  return files;
}

interface Planes {
  readonly channels: 1 | 3;
  readonly planes: Uint8Array;
}
interface Read {
  readonly images: readonly Planes[];
  readonly labels: readonly number[];
}

/** Reads images one after another and sees to it that all have one size. */
class ImageReader {
  private done = 0;
  private channels: 1 | 3 = 1;
  private first: { readonly file: string; readonly height: number; readonly width: number } | undefined;

  constructor(private readonly options: { readonly size: number | undefined; tell(done: number): void }) {}

  async read(classes: readonly ClassFiles[], all: readonly string[]): Promise<Read> {
    const images: Planes[] = [];
    const labels: number[] = [];
    for (const { name, files } of classes) {
      const label = all.indexOf(name);
      for (const file of files) {
        images.push(await this.image(file));
        labels.push(label);
        this.options.tell(++this.done);
      }
    }
    return { images, labels };
  }

  /** Of all images read. */
  shape(dir: string): { channels: 1 | 3; height: number; width: number } {
    if (!this.first) throw new DataError(dir, 'holds no images.');
    const { height, width } = this.first;
    return { channels: this.channels, height, width };
  }

  private async image(file: string): Promise<Planes> {
    const image = decodeImage((await readBytes(file, { maxBytes: maxFileBytes })).bytes, { file });
    const { size } = this.options;
    const { channels } = image;
    if (channels === 3) this.channels = 3;
    const { height, width } = size === undefined ? image : { height: size, width: size };
    this.first ??= { file, height, width };
    if (this.first.height !== height || this.first.width !== width)
      throw new DataError(
        file,
        `is ${height} × ${width}, ${this.first.file} is ${this.first.height} × ${this.first.width}. Give a size that all are brought to.`,
      );
    const planes = size === undefined || (image.height === size && image.width === size) ? planesOf(image) : centreCrop(image, size);
    return { channels, planes };
  }
}

/** One after another; gray ones have their plane three times among colours. */
function joined(images: readonly Planes[], { channels, bytes }: { channels: number; bytes: number }): Uint8Array {
  const all = new Uint8Array(images.length * channels * bytes);
  for (const [i, image] of images.entries())
    for (let c = 0; c < channels; c++)
      all.set(image.planes.subarray((c % image.channels) * bytes, ((c % image.channels) + 1) * bytes), (i * channels + c) * bytes);
  return all;
}
