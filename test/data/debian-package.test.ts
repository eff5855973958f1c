import { existsSync } from 'node:fs';
import { loadDataset } from '@initlab/data/node';
import { expect, it } from 'vitest';

const folder = '/usr/share/datasets/fashion-mnist';

it.runIf(existsSync(folder))(
  'FashionMNIST is read where Debian puts it (only where dataset-fashion-mnist is installed)',
  async () => {
    const { train, test, classes } = await loadDataset('fashion-mnist', { dir: folder });
    for (const { labels, count, images } of [train, test]) {
      expect(images).toHaveLength(count * 28 * 28);
      const perClass = new Array<number>(classes.length).fill(0);
      for (const label of labels) perClass[label] = (perClass[label] as number) + 1;
      expect(perClass).toEqual(new Array(10).fill(count / 10));
    }
    expect([train.count, test.count]).toEqual([60_000, 10_000]);
    // The published mean of the training images, by which they are normalised.
    let sum = 0;
    for (let i = 0; i < train.images.length; i++) sum += train.images[i] as number;
    expect(sum / train.images.length / 255).toBeCloseTo(0.286, 4);
  },
  60_000,
);
