import { backward, compile, crossEntropy, type Device, openDevice, tensor, zeros } from '@initlab/core';
import { batchMixing, type ImageDataset, ResidentDataset, type ResidentOptions } from '@initlab/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawMix } from '../../packages/data/src/dataset/batch-mixing.js';
import { differs } from '../support/close.js';
import { untyped } from '../support/untyped.js';
import { pattern } from './fixtures.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const split = { images: pattern(5 * 3 * 6 * 4, 3), labels: Uint8Array.of(3, 0, 2, 2, 1), count: 5 };
const set: ImageDataset = {
  name: 't',
  classes: [...'abcd'],
  channels: 3,
  height: 6,
  width: 4,
  train: split,
  test: split,
  mean: [0.4],
  std: [0.3],
  origin: 'test',
};
const rows = [4, 0, 2, 1];
const resident = (options: ResidentOptions): ResidentDataset => new ResidentDataset(set, split, { device, seed: 7, ...options });
const read = async (data: ResidentDataset, augment = true) => {
  const { images, labels } = data.batch(tensor(rows, { dtype: 'i32', device }), { augment });
  return { images: [...(await images.read())], labels: [...(await labels.read())] };
};

describe('mixing of a batch', () => {
  it.each([
    ['mixup', { mixup: 0.4 }],
    ['CutMix', { cutmix: 1 }],
    ['either', { mixup: 0.2, cutmix: 1 }],
  ] as const)('%s: images and probabilities by what is drawn for each step', async (_, mixing) => {
    const data = resident({ mixing: batchMixing(mixing) });
    const plain = await read(data, false);
    expect(plain.labels).toEqual(rows.map((row) => split.labels[row]));
    expect(data.step).toBe(0);
    for (let step = 0; step < 3; step++) {
      const { share, labelShare, rectangle } = drawMix(mixing, { seed: 7, step, height: 6, width: 4 });
      const [top, bottom, left, right] = rectangle;
      const size = 3 * 24;
      const images = plain.images.map((value, i) => {
        const [image, y, x] = [Math.floor(i / size), Math.floor((i % 24) / 4), i % 4];
        const other = plain.images[((image + 3) % 4) * size + (i % size)] as number;
        const own = y >= top && y < bottom && x >= left && x < right ? 0 : share;
        return value * own + other * (1 - own);
      });
      const labels = rows.flatMap((row, i) => {
        const other = split.labels[rows[(i + 3) % 4] as number];
        return [0, 1, 2, 3].map((c) => (c === split.labels[row] ? labelShare : 0) + (c === other ? 1 - labelShare : 0));
      });
      const got = await read(data);
      // Two products and a sum in f32.
      expect(differs('images', got.images, images, { absolute: 1e-6, relative: 1e-6 })).toBe('');
      expect(differs('labels', got.labels, labels, { absolute: 1e-6, relative: 0 })).toBe('');
    }
    expect(data.step).toBe(3);
  });

  it('goes on bit for bit from its step, compiled too, beside crops and flips', async () => {
    const options = { mixing: batchMixing({ mixup: 0.3, cutmix: 0.5 }), augmentation: { cropPadding: 1, flip: true } };
    const [eager, compiled, resumed] = [resident(options), resident(options), resident(options)];
    const step = compile((index) => compiled.batch(index), { device });
    const batches: object[] = [];
    for (let i = 0; i < 4; i++) {
      const { images, labels } = step(Int32Array.from(rows));
      batches.push({ images: [...(await images.read())], labels: [...(await labels.read())] });
      const { images: expected, labels: wanted } = await read(eager);
      expect(differs('images', (batches[i] as { images: number[] }).images, expected, { absolute: 1e-6, relative: 1e-6 })).toBe('');
      expect((batches[i] as { labels: number[] }).labels).toEqual(wanted);
    }
    expect(new Set(batches.map((batch) => JSON.stringify(batch))).size).toBe(4);
    resumed.step = 2;
    const again = compile((index) => resumed.batch(index), { device });
    const { images, labels } = again(Int32Array.from(rows));
    expect({ images: [...(await images.read())], labels: [...(await labels.read())] }).toEqual(batches[2]);
  });

  it('gives labels that a loss takes', async () => {
    const { labels } = resident({ mixing: batchMixing({ mixup: 1 }) }).batch(tensor(rows, { dtype: 'i32', device }));
    const logits = zeros([4, 4], { device }).requiresGrad_();
    const loss = crossEntropy(logits, labels);
    backward(loss);
    expect(await loss.item()).toBeCloseTo(Math.log(4), 5);
    const probabilities = await labels.read();
    const gradient = await (logits.grad ?? labels).read();
    expect(
      differs(
        'gradient',
        gradient,
        [...probabilities].map((p) => (0.25 - p) / 4),
        { absolute: 1e-6, relative: 0 },
      ),
    ).toBe('');
  });

  it.each([1e-310, 0.01, 0.2, 1, 3])('λ of Beta(%d, α) has its mean, variance and extremes', (alpha) => {
    const drawn = Array.from({ length: 4000 }, (_, step) => drawMix({ mixup: alpha }, { seed: 1, step, height: 1, width: 1 }).share);
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
    const variance = drawn.reduce((sum, v) => sum + (v - 0.5) ** 2, 0) / drawn.length;
    const expected = 1 / (4 * (2 * alpha + 1));
    // Four standard errors of 4,000 draws; λ² has a kurtosis of at most that of a normal number.
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(expected / 4000));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(4 * Math.sqrt(2 / 4000));
    expect(drawn.every((v) => v >= 0 && v <= 1)).toBe(true);
  });

  it('a rectangle covers 1 − λ of the area but for the border; both kinds come as often', () => {
    const mixes = Array.from({ length: 2000 }, (_, step) => drawMix({ mixup: 1, cutmix: 1 }, { seed: 2, step, height: 32, width: 24 }));
    const cuts = mixes.filter(({ share }) => share === 1);
    expect(Math.abs(cuts.length / 2000 - 0.5)).toBeLessThan(0.05);
    for (const { labelShare, rectangle } of cuts) {
      const [top, bottom, left, right] = rectangle;
      expect([top >= 0 && top <= bottom && bottom <= 32, left >= 0 && left <= right && right <= 24]).toEqual([true, true]);
      expect(labelShare).toBeCloseTo(1 - ((bottom - top) * (right - left)) / 768, 12);
    }
  });

  it('refuses what is no α, and no mixing', () => {
    expect(() => batchMixing({ mixup: -1 })).toThrow(/mixup is -1/);
    expect(() => batchMixing({ cutMix: 1 } as object)).toThrow(/no option cutMix; did you mean cutmix\?/);
    expect(() => batchMixing({})).toThrow(/mixes nothing; give an α/);
    expect(() => resident({ mixing: untyped({ mixup: 1 }) })).toThrow(/give batchMixing\(/);
  });
});
