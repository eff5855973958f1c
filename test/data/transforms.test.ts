import { createHash } from 'node:crypto';
import { type ImageDataset, limitDataset, padDataset, resizeDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { expect, it } from 'vitest';

function dataset(height: number, width: number, images: number[], channels = 1): ImageDataset {
  const count = images.length / (height * width * channels);
  const split = { images: Uint8Array.from(images), labels: new Uint8Array(count), count };
  return { name: 't', classes: ['a'], channels, height, width, train: split, test: split, mean: [0.5], std: [0.5], origin: 'test' };
}

it('pads with black, the extra row and column at the end', () => {
  const padded = padDataset(dataset(1, 2, [1, 2, 3, 4], 2), { height: 2, width: 5 });
  expect([...padded.train.images]).toEqual([0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 0]);
  expect([padded.height, padded.width, padded.train.count]).toEqual([2, 5, 1]);
  expect(() => padDataset(dataset(2, 2, [1, 2, 3, 4]), { height: 1, width: 5 })).toThrow(/must not be smaller/);
});

it('resizes bilinearly', () => {
  // Centres of four outputs over two inputs: 0, 1/4, 3/4, 1 between the two, rounded half up.
  expect([...resizeDataset(dataset(1, 2, [0, 100]), { height: 1, width: 4 }).train.images]).toEqual([0, 25, 75, 100]);
  expect([...resizeDataset(dataset(2, 1, [10, 11]), { height: 4, width: 1 }).train.images]).toEqual([10, 10, 11, 11]);
  // Halving widens the triangle over four inputs: (1·w + 3·w …)/Σ, cut at the borders.
  expect([...resizeDataset(dataset(1, 4, [0, 0, 255, 255]), { height: 1, width: 2 }).train.images]).toEqual([36, 219]);
  const flat = resizeDataset(dataset(28, 28, new Array(784).fill(255)), { height: 32, width: 32 });
  expect(new Set(flat.train.images)).toEqual(new Set([255]));
  expect(flat.train.images).toHaveLength(1024);
});

it('resizes to the very bytes of Pillow', async () => {
  const { test } = resizeDataset(await loadDataset('fashion-mnist-sample'), { height: 32, width: 32 });
  // Pillow 12: Image.fromarray(image).resize((32, 32), Image.BILINEAR) of the 500 test images.
  expect(createHash('sha256').update(test.images).digest('hex').slice(0, 16)).toBe('efa91cbe5e42b876');
});

it('limits the images of each split', () => {
  const set = limitDataset(dataset(1, 2, [1, 2, 3, 4, 5, 6]), { train: 2, test: 9 });
  expect([set.train.count, set.test.count]).toEqual([2, 3]);
  expect([...set.train.images]).toEqual([1, 2, 3, 4]);
  expect(() => limitDataset(set, { train: 0 })).toThrow(/whole number ≥ 1/);
});
