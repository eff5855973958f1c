import { type DatasetName, datasetCatalog } from './catalog.js';
import { DataError } from './data-error.js';
import { type CifarKind, parseCifar } from './formats/cifar.js';
import { readIdx } from './formats/idx.js';
import { type ImageDataset, type ImageSplit, makeSplit } from './image-dataset.js';

/** A file already in memory. `file` is only a name for messages. */
export interface NamedBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
}
type FashionName = Extract<DatasetName, 'fashion-mnist' | 'fashion-mnist-sample'>;

/**
 * FashionMNIST from its four idx files, plain or gzip, wherever they were read (disk, fetch, a file chooser).
 * Throws DataError when one is truncated, of the wrong kind, or does not belong to its partner.
 */
export async function fashionMnistFromFiles(
  files: Record<'trainImages' | 'trainLabels' | 'testImages' | 'testLabels', NamedBytes>,
  { name = 'fashion-mnist', origin = 'memory' }: { name?: FashionName; origin?: string } = {},
): Promise<ImageDataset> {
  const { classes, channels, height, width, mean, std } = datasetCatalog[name];
  const split = async (images: NamedBytes, labels: NamedBytes): Promise<ImageSplit> => {
    const pixels = await readIdx(images.bytes, { file: images.file, kind: 'images' });
    const marks = await readIdx(labels.bytes, { file: labels.file, kind: 'labels' });
    const [, h, w] = pixels.shape;
    if (h !== height || w !== width) {
      throw new DataError(
        images.file,
        `has images of ${h} × ${w}, FashionMNIST has ${height} × ${width}. Name the folder with the right files.`,
      );
    }
    return makeSplit(pixels.data, marks.data, {
      bytesPerImage: height * width,
      classes: classes.length,
      file: `${images.file} + ${labels.file}`,
    });
  };
  const train = await split(files.trainImages, files.trainLabels);
  const test = await split(files.testImages, files.testLabels);
  return { name, classes, channels, height, width, mean, std, train, test, origin };
}

/** CIFAR-10 or CIFAR-100 from the files of the official binary version (`data_batch_*.bin`, `test_batch.bin`; `train.bin`, `test.bin`). */
export function cifarFromFiles(
  files: { readonly train: readonly NamedBytes[]; readonly test: readonly NamedBytes[] },
  { kind, origin = 'memory' }: { kind: CifarKind; origin?: string },
): ImageDataset {
  const { name, classes, channels, height, width, mean, std } = datasetCatalog[kind];
  const [train, test] = [parseCifar(files.train, kind), parseCifar(files.test, kind)];
  return { name, classes, channels, height, width, mean, std, train, test, origin };
}
