import { DataError, fashionMnistFromFiles, type ImageDataset, type NamedBytes, resizeDataset } from '@initlab/data';
import testImages from '@initlab/data/assets/fashion-mnist-sample/t10k-images-idx3-ubyte.gz';
import testLabels from '@initlab/data/assets/fashion-mnist-sample/t10k-labels-idx1-ubyte.gz';
import trainImages from '@initlab/data/assets/fashion-mnist-sample/train-images-idx3-ubyte.gz';
import trainLabels from '@initlab/data/assets/fashion-mnist-sample/train-labels-idx1-ubyte.gz';

/** An address beside this script. */
async function fetched(address: string): Promise<NamedBytes> {
  const url = new URL(address, import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new DataError(url.pathname, `the server answers ${response.status}; reload the page`);
  return { file: url.pathname, bytes: new Uint8Array(await response.arrayBuffer()) };
}

/** The sample of FashionMNIST that ships with `@initlab/data`, resized to 32 × 32 as `initlab train` does. */
export async function sampleImages(): Promise<ImageDataset> {
  const [trainI, trainL, testI, testL] = await Promise.all([trainImages, trainLabels, testImages, testLabels].map(fetched));
  const files = { trainImages: trainI, trainLabels: trainL, testImages: testI, testLabels: testL } as Record<
    'trainImages' | 'trainLabels' | 'testImages' | 'testLabels',
    NamedBytes
  >;
  const dataset = await fashionMnistFromFiles(files, { name: 'fashion-mnist-sample', origin: 'shipped with initlab' });
  return resizeDataset(dataset, { height: 32, width: 32 });
}
