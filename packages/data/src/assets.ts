import { checkOptions } from '@initlab/core/internal';
import { DataError } from './dataset/data-error.js';
import type { ImageDataset } from './dataset/image-dataset.js';
import { fashionMnistFromFiles, type IdxFiles, type IdxRole } from './formats/from-files.js';

/**
 * Where the files of `fashion-mnist-sample` lie: beside this module. Written as Vite and webpack understand it, which copy them into
 * their build; esbuild leaves addresses as they are, so that the files have to be put there (docs/in-a-browser.md).
 */
export const sampleAddresses = (): Readonly<Record<IdxRole, URL>> => ({
  trainImages: new URL('../assets/fashion-mnist-sample/train-images-idx3-ubyte.gz', import.meta.url),
  trainLabels: new URL('../assets/fashion-mnist-sample/train-labels-idx1-ubyte.gz', import.meta.url),
  testImages: new URL('../assets/fashion-mnist-sample/t10k-images-idx3-ubyte.gz', import.meta.url),
  testLabels: new URL('../assets/fashion-mnist-sample/t10k-labels-idx1-ubyte.gz', import.meta.url),
});

/** Options of `fetchSample`. */
export interface SampleOptions {
  /** Addresses of the four files, where they are not those of `sampleAddresses`. */
  readonly from?: Readonly<Record<IdxRole, string | URL>> | undefined;
}

/**
 * The 2,000 + 500 images of FashionMNIST that ship with this package, fetched by a page or its worker (1.1 MB); in Node
 * `loadDataset('fashion-mnist-sample')` reads them. Throws `DataError` where the server has none, or gives something else.
 */
export async function fetchSample(options: SampleOptions = {}): Promise<ImageDataset> {
  checkOptions('fetchSample', options, ['from']);
  const found = Object.entries(options.from ?? sampleAddresses()).map(async ([role, address]) => {
    const response = await fetch(address);
    if (!response.ok) throw new DataError(String(address), `the server answers ${response.status}; put the sample's files there`);
    return [role, { file: String(address), bytes: new Uint8Array(await response.arrayBuffer()) }] as const;
  });
  const files = Object.fromEntries(await Promise.all(found)) as IdxFiles;
  return fashionMnistFromFiles(files, { name: 'fashion-mnist-sample', origin: 'shipped with initlab' });
}
