import { holdOut, type ImageDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { beforeAll, expect, it } from 'vitest';

let dataset: ImageDataset;
beforeAll(async () => {
  dataset = await loadDataset('fashion-mnist-sample');
});

const rowsOf = ({ images, count }: { images: Uint8Array; count: number }): string[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(images.subarray(i * 784, (i + 1) * 784)).toString('base64'));

it('both parts together are the training images with their labels, none in both', () => {
  const { train, validation } = holdOut(dataset, { share: 0.1, seed: 7 });
  expect(validation.count).toBe(Math.round(dataset.train.count * 0.1));
  expect(train.count + validation.count).toBe(dataset.train.count);
  const label = new Map(rowsOf(dataset.train).map((row, i) => [row, dataset.train.labels[i]]));
  for (const part of [train, validation]) expect(rowsOf(part).every((row, i) => label.get(row) === part.labels[i])).toBe(true);
  expect([...rowsOf(train), ...rowsOf(validation)].sort()).toEqual(rowsOf(dataset.train).sort());
});

it('the seed decides which, and nothing else does', () => {
  const labels = (seed: number) => holdOut(dataset, { share: 0.1, seed }).validation.labels;
  expect(labels(7)).toEqual(labels(7));
  expect(labels(7)).not.toEqual(labels(8));
});

it('a share that leaves no two parts is refused', () => {
  for (const share of [0, 1, -0.1, Number.NaN, 1e-9]) expect(() => holdOut(dataset, { share, seed: 0 })).toThrow(/no two parts/);
});
