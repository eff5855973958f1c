import { compile, type Device, openDevice, type Tensor, tensor } from '@initlab/core';
import { epochOrder, type ImageDataset, ResidentDataset } from '@initlab/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pattern } from './fixtures.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** Seven images of 3 × 5 × 4, or as given; bytes that differ everywhere. */
function dataset(channels = 3, height = 5, width = 4): ImageDataset {
  const count = 7;
  const split = { images: pattern(count * channels * height * width, 3), labels: Uint8Array.of(4, 0, 9, 2, 2, 1, 7), count };
  const [mean, std] = [
    Array.from({ length: channels }, (_, c) => 0.3 + 0.1 * c),
    Array.from({ length: channels }, (_, c) => 0.2 + 0.05 * c),
  ];
  return { name: 't', classes: [...'abcdefghij'], channels, height, width, train: split, test: split, mean, std, origin: 'test' };
}

/** What the images of these rows should be: centred on black, repeated, normalised. */
function expected(
  set: ImageDataset,
  rows: readonly number[],
  size = { height: set.height, width: set.width },
  outChannels = set.channels,
): number[] {
  const [top, left] = [Math.floor((size.height - set.height) / 2), Math.floor((size.width - set.width) / 2)];
  const values: number[] = [];
  for (const row of rows)
    for (let c = 0; c < outChannels; c++)
      for (let y = 0; y < size.height; y++)
        for (let x = 0; x < size.width; x++) {
          const [sy, sx] = [y - top, x - left];
          const inside = sy >= 0 && sy < set.height && sx >= 0 && sx < set.width;
          const at = ((row * set.channels + (c % set.channels)) * set.height + sy) * set.width + sx;
          const byte = inside ? (set.train.images[at] as number) : 0;
          const statistic = c % set.mean.length;
          values.push((byte / 255 - (set.mean[statistic] as number)) / (set.std[statistic] as number));
        }
  return values;
}

function expectClose(actual: ArrayLike<number>, wanted: readonly number[]): void {
  expect(actual.length).toBe(wanted.length);
  // One rounding of the product and one of the sum, of values up to about 5.
  const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] as number))), 0);
  expect(worst).toBeLessThan(2e-6);
}

describe('ResidentDataset', () => {
  const rows = [6, 0, 0, 3];
  const index = (list: readonly number[] = rows): Tensor => tensor(Int32Array.from(list), { dtype: 'i32', device });

  it('makes normalised NCHW batches and their labels', async () => {
    const set = dataset();
    const resident = new ResidentDataset(set, set.train, { device });
    const { images, labels } = resident.batch(index());
    expect([images.shape, images.format, labels.dtype]).toEqual([[4, 3, 5, 4], 'channelsLast', 'i32']);
    expectClose(await images.read(), expected(set, rows));
    expect([...(await labels.read())]).toEqual([7, 4, 4, 2]);
    resident.dispose();
  });

  it('centres on black and repeats one channel, with images that end inside a word', async () => {
    const set = dataset(1, 5, 5);
    const resident = new ResidentDataset(set, set.train, { device, size: 8, channels: 3, mean: [0.5], std: [0.5] });
    const { images } = resident.batch(index());
    expectClose(await images.read(), expected({ ...set, mean: [0.5], std: [0.5] }, rows, { height: 8, width: 8 }, 3));
    resident.dispose();
  });

  it('serves every batch of an epoch from a compiled step', async () => {
    const set = dataset();
    const resident = new ResidentDataset(set, set.train, { device });
    const step = compile((batch) => resident.batch(batch as Tensor), { device });
    const order = epochOrder(set.train.count, { seed: 1, epoch: 0 });
    for (const part of [order.subarray(0, 4), order.subarray(4)]) {
      const { images, labels } = step(part);
      expectClose(await images.read(), expected(set, [...part]));
      expect([...(await labels.read())]).toEqual([...part].map((row) => set.train.labels[row]));
    }
    step.dispose();
    resident.dispose();
  });

  it('spans several bindings when one cannot hold the images', async () => {
    // As CIFAR's 154 MB where a binding holds 128 MiB: here 420 bytes in parts of 256, cut inside an image.
    const narrow = await openDevice({ label: 'narrow', target: { maxStorageBinding: 300 } });
    const set = dataset();
    const resident = new ResidentDataset(set, set.train, { device: narrow });
    const step = compile((batch) => resident.batch(batch as Tensor), { device: narrow });
    // One by one: a batch has to fit a binding, too.
    for (const row of [0, 1, 2, 3, 4, 5, 6]) {
      expectClose(await resident.batch(tensor([row], { dtype: 'i32', device: narrow })).images.read(), expected(set, [row]));
      expectClose(await step(Int32Array.of(row)).images.read(), expected(set, [row]));
    }
    narrow.close();
    const few = await openDevice({ label: 'few bindings', target: { maxStorageBinding: 256, maxStorageBuffers: 4 } });
    const tooLarge = new ResidentDataset(set, set.train, { device: few });
    expect(() => tooLarge.batch(tensor(Int32Array.of(0), { dtype: 'i32', device: few }))).toThrow(
      /gatherImages: .* bytes of images are more than the 256 that the adapter binds; use fewer images/,
    );
    few.close();
  });

  it('crops and flips within the padded image, by seed and step', async () => {
    const set = dataset(1, 6, 6);
    const options = { device, augmentation: { cropPadding: 2, flip: true }, seed: 5, mean: [0], std: [1] };
    const resident = new ResidentDataset(set, set.train, options);
    const many = Array.from({ length: 64 }, (_, i) => i % 7);
    const first = await resident.batch(index(many)).images.read();
    const second = await resident.batch(index(many)).images.read();
    expect(first).not.toEqual(second);
    const again = new ResidentDataset(set, set.train, options);
    expect(await again.batch(index(many)).images.read()).toEqual(first);
    // Continued at the second step, as a resumed run does.
    again.step = 1;
    expect(await again.batch(index(many)).images.read()).toEqual(second);
    // Every image is one of the 25 windows, flipped or not; both kinds and many windows occur.
    const seen = new Set<string>();
    many.forEach((row, place) => {
      const found = windows(set, row).find(({ pixels }) =>
        pixels.every((byte, i) => Math.abs(byte / 255 - (first[place * 36 + i] as number)) < 1e-6),
      );
      expect(found, `image ${place}`).toBeDefined();
      if (found) seen.add(found.name);
    });
    expect(seen.size).toBeGreaterThan(20);
    expect([...seen].some((name) => name.endsWith('flipped'))).toBe(true);
    expect(await resident.batch(index(), { augment: false }).images.read()).toHaveLength(4 * 36);
    resident.dispose();
    again.dispose();
  });

  it('cuts a black square out of every image', async () => {
    const set = dataset(1, 8, 8);
    const white = { ...set, train: { ...set.train, images: new Uint8Array(7 * 64).fill(255) } };
    const resident = new ResidentDataset(white, white.train, { device, augmentation: { cutout: 4 }, mean: [0], std: [1] });
    const values = await resident.batch(index()).images.read();
    for (let n = 0; n < 4; n++) {
      const black = Array.from({ length: 64 }, (_, i) => i).filter((i) => values[n * 64 + i] === 0);
      const [ys, xs] = [black.map((i) => Math.floor(i / 8)), black.map((i) => i % 8)];
      const [high, wide] = [Math.max(...ys) - Math.min(...ys) + 1, Math.max(...xs) - Math.min(...xs) + 1];
      expect(black).toHaveLength(high * wide);
      expect(Math.min(high, wide)).toBeGreaterThanOrEqual(2);
      expect(Math.max(high, wide)).toBeLessThanOrEqual(4);
    }
    resident.dispose();
  });

  it('gives its memory back', () => {
    const before = device.memory.liveBytes;
    const set = dataset();
    new ResidentDataset(set, set.train, { device }).dispose();
    expect(device.memory.liveBytes).toBe(before);
  });
});

/** All windows of a 6 × 6 image padded by two, plain and mirrored. */
function windows(set: ImageDataset, row: number): { name: string; pixels: number[] }[] {
  const pixel = (y: number, x: number): number =>
    y < 0 || y > 5 || x < 0 || x > 5 ? 0 : (set.train.images[row * 36 + y * 6 + x] as number);
  const all: { name: string; pixels: number[] }[] = [];
  for (let top = -2; top <= 2; top++)
    for (let left = -2; left <= 2; left++) {
      const at = (i: number, flip: boolean): number => pixel(Math.floor(i / 6) + top, (flip ? 5 - (i % 6) : i % 6) + left);
      for (const flip of [false, true])
        all.push({ name: `${top} ${left}${flip ? ' flipped' : ''}`, pixels: Array.from({ length: 36 }, (_, i) => at(i, flip)) });
    }
  return all;
}
