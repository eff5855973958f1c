import { constants } from 'node:buffer';
import { totalmem } from 'node:os';
import path from 'node:path';
import { OpError } from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { DataError } from '../dataset/data-error.js';
import { holdOut } from '../dataset/hold-out.js';
import { type ImageDataset, type ImageSplit, makeSplit } from '../dataset/image-dataset.js';
import { decodeImage } from '../formats/decode-image.js';
import { centreCrop, planesOf } from '../transforms/centre-crop.js';
import { type ClassFiles, holdsClasses, listImages } from './image-files.js';
import { fileError, kindAt, readBytes } from './read-file.js';

/** Options of `loadImageFolder`. */
export interface ImageFolderOptions {
  /**
   * Height and width that images are brought to: the shorter side resized, the middle cut out. Default: as they are, if all have one
   * size.
   */
  readonly size?: number | undefined;
  /** Share of the images kept for the test, where the folder has no `test` or `val` of its own beside `train`. */
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
const testFolders = ['test', 'val', 'validation', 'valid'];
/** ImageNet's, of colours and of their gray. */
const usual = { 1: { mean: [0.449], std: [0.226] }, 3: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } } as const;

/**
 * PNG and JPEG files as a dataset, classes by folder (torchvision's `ImageFolder`): `dir/train/CLASS/…` and `dir/test/CLASS/…` (or
 * `val`), or with a `testShare` `dir/CLASS/…` or `dir/train/CLASS/…` alone. Class and file names count in the order of their characters;
 * links are followed, hidden files and what is no image by its name left out. Decoded once, to bytes; gray where all images are, else
 * colours. Throws DataError naming the file or folder and the remedy, for images of other kinds too.
 */
export async function loadImageFolder(dir: string, options: ImageFolderOptions = {}): Promise<ImageDataset> {
  checkOptions('loadImageFolder', options, optionNames);
  if (typeof dir !== 'string') throw new OpError('loadImageFolder', 'takes the path of a folder');
  const { size, testShare, seed = 0, onProgress } = options;
  if (size !== undefined) checkNumber('loadImageFolder', { size }, { from: 1, whole: true });
  if (testShare !== undefined) checkNumber('loadImageFolder', { testShare }, { above: 0, below: 1 });
  checkNumber('loadImageFolder', { seed }, { from: 0, whole: true });
  if (kindAt(dir) !== 'folder') throw fileError(dir, { code: kindAt(dir) === undefined ? 'ENOENT' : 'ENOTDIR' }, 'read');
  const trainFolder = path.join(dir, 'train');
  const testFolder = testFolders.map((name) => path.join(dir, name)).find((place) => kindAt(place) === 'folder');
  const divided = kindAt(trainFolder) === 'folder' && testFolder !== undefined;
  if (!divided && testShare === undefined)
    throw new DataError(
      dir,
      'has no folders train and test (or val), each with a folder for each class. Make them, or give a share of the images for the test (testShare, --test-share).',
    );
  const from = divided || (await holdsClasses(trainFolder)) ? trainFolder : dir;
  const train = await listImages(from);
  const test = divided ? await listImages(testFolder) : [];
  const classes = train.map(({ name }) => name);
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  const stray = test.find(({ name }) => !labelOf.has(name));
  if (stray) throw new DataError(path.join(testFolder ?? dir, stray.name), 'is a class that train does not have. Rename or remove it.');
  if (classes.length > 65_536) throw new DataError(dir, `has ${classes.length} classes; 65536 are the most.`);
  const total = [...train, ...test].reduce((sum, { files }) => sum + files.length, 0);
  const reader = new ImageReader({ dir, size, total, tell: (done) => onProgress?.({ done, total }) });
  const [trainRead, testRead] = [await reader.read(train, labelOf), await reader.read(test, labelOf)];
  const { channels, height, width } = reader.shape();
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
  const all = split(trainRead, from);
  const { mean, std } = { mean: options.mean ?? usual[channels].mean, std: options.std ?? usual[channels].std };
  const dataset = { name: path.basename(path.resolve(dir)), classes, channels, height, width, mean, std, origin: dir };
  if (divided) return { ...dataset, train: all, test: split(testRead, testFolder) };
  const parts = holdOut({ ...dataset, train: all, test: all }, { share: testShare ?? 0, seed });
  return { ...dataset, train: parts.train, test: parts.validation };
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

  constructor(
    private readonly options: { readonly dir: string; readonly size: number | undefined; readonly total: number; tell(done: number): void },
  ) {}

  async read(classes: readonly ClassFiles[], labelOf: ReadonlyMap<string, number>): Promise<Read> {
    const images: Planes[] = [];
    const labels: number[] = [];
    for (const { name, files } of classes) {
      const label = labelOf.get(name) ?? 0;
      for (const file of files) {
        images.push(await this.image(file));
        labels.push(label);
        this.options.tell(++this.done);
      }
    }
    return { images, labels };
  }

  /** Of all images read. */
  shape(): { channels: 1 | 3; height: number; width: number } {
    if (!this.first) throw new DataError(this.options.dir, 'holds no images.');
    const { height, width } = this.first;
    return { channels: this.channels, height, width };
  }

  private async image(file: string): Promise<Planes> {
    const image = decodeImage((await readBytes(file, { maxBytes: maxFileBytes })).bytes, { file });
    const { size } = this.options;
    const { channels } = image;
    if (channels === 3) this.channels = 3;
    const { height, width } = size === undefined ? image : { height: size, width: size };
    if (!this.first) {
      this.first = { file, height, width };
      this.checkMemory({ height, width, channels });
    }
    if (this.first.height !== height || this.first.width !== width)
      throw new DataError(
        file,
        `is ${height} × ${width}, ${this.first.file} is ${this.first.height} × ${this.first.width}. Give a size that all are brought to.`,
      );
    const planes = size === undefined || (image.height === size && image.width === size) ? planesOf(image) : centreCrop(image, size);
    return { channels, planes };
  }

  /** Before hours go into reading what then does not fit. */
  private checkMemory({ height, width, channels }: { height: number; width: number; channels: number }): void {
    const { dir, total } = this.options;
    const bytes = total * channels * height * width;
    const most = Math.min(constants.MAX_LENGTH, totalmem());
    const gigabytes = (value: number): string => `${(value / 1e9).toFixed(1)} GB`;
    if (bytes > most)
      throw new DataError(
        dir,
        `has ${total} images, which at ${height} × ${width} are ${gigabytes(bytes)}; ${gigabytes(most)} are the most here. Give a smaller size (size, --image-size), or a folder with fewer images.`,
      );
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
