/**
 * Makes the small data set that ships with initlab: of FashionMNIST the first 200 training and the first 50 test images
 * of every class, in the order they have in the original files.
 *
 * usage: npx tsx --conditions=@initlab/source scripts/make-sample.ts [FOLDER]
 *   FOLDER: where the four idx files lie; default: Debian's folder (package dataset-fashion-mnist) or the cache folder
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { type ImageDataset, type ImageSplit, imageBytes } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';

const target = fileURLToPath(new URL('../packages/data/assets/fashion-mnist-sample/', import.meta.url));

function firstOfEachClass(split: ImageSplit, perClass: number, dataset: ImageDataset): ImageSplit {
  const seen = new Array<number>(dataset.classes.length).fill(0);
  const chosen: number[] = [];
  split.labels.forEach((label, i) => {
    const before = seen[label] ?? perClass;
    if (before >= perClass) return;
    seen[label] = before + 1;
    chosen.push(i);
  });
  const bytes = imageBytes(dataset);
  const images = new Uint8Array(chosen.length * bytes);
  chosen.forEach((from, to) => {
    images.set(split.images.subarray(from * bytes, (from + 1) * bytes), to * bytes);
  });
  return { images, labels: Uint8Array.from(chosen, (i) => split.labels[i] as number), count: chosen.length };
}

function writeIdx(name: string, shape: readonly number[], data: Uint8Array): void {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  shape.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  const packed = gzipSync(Buffer.concat([header, data]), { level: 9 });
  writeFileSync(path.join(target, name), packed);
  console.log(`${name}: ${shape.join(' × ')}, ${packed.length} bytes`);
}

const [dir] = process.argv.slice(2);
const full = await loadDataset('fashion-mnist', dir ? { dir } : {});
mkdirSync(target, { recursive: true });
for (const [stem, split] of [
  ['train', firstOfEachClass(full.train, 200, full)],
  ['t10k', firstOfEachClass(full.test, 50, full)],
] as const) {
  writeIdx(`${stem}-images-idx3-ubyte.gz`, [split.count, full.height, full.width], split.images);
  writeIdx(`${stem}-labels-idx1-ubyte.gz`, [split.count], split.labels);
}
