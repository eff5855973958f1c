import { readFileSync } from 'node:fs';
import { type Device, openDevice, type Tensor, tensor } from '@initlab/core';
import { adjustImages, adjustmentRow, type ImageAdjustment } from '@initlab/core/internal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rotation, shearX, shearY, translation } from '../../packages/data/src/dataset/rand-augment.js';
import { untyped } from '../support/untyped.js';

interface Reference {
  readonly images: Readonly<Record<string, { readonly shape: readonly [number, number, number]; readonly pixels: readonly number[] }>>;
  readonly cases: readonly { readonly image: string; readonly kind: string; readonly value: number; readonly pixels: readonly number[] }[];
}
const { images, cases } = JSON.parse(readFileSync(new URL('../data/adjustments/torchvision.json', import.meta.url), 'utf8')) as Reference;
const [height, width] = [9, 11];

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const changes: Readonly<Record<string, (value: number) => ImageAdjustment>> = {
  hue: (turn) => ({ kind: 'hue', turn }),
  posterize: (bits) => ({ kind: 'posterize', bits }),
  solarize: (threshold) => ({ kind: 'solarize', threshold }),
  autocontrast: () => ({ kind: 'autocontrast' }),
  equalize: () => ({ kind: 'equalize' }),
  shearX,
  shearY,
  translateX: (by) => translation(by, 0),
  translateY: (by) => translation(0, by),
  rotate: (degrees) => rotation(degrees, { height, width }),
};
const changeOf = (kind: string, value: number): ImageAdjustment => changes[kind]?.(value) ?? { kind: kind as 'brightness', factor: value };
const imageOf = (name: string, times = 1): Tensor => {
  const { shape, pixels } = images[name] as Reference['images'][string];
  const all = Array.from({ length: times }, () => pixels).flat();
  return tensor(all, { shape: [times, ...shape], device });
};
const rowsOf = (steps: readonly (readonly ImageAdjustment[])[]): Tensor =>
  tensor(
    steps.flatMap((step) => step.flatMap(adjustmentRow)),
    { shape: [steps.length, steps[0]?.length ?? 0, 8], device },
  );

describe('adjustImages, as torchvision.transforms.functional does it (test/data/adjustments/make_adjustments.py)', () => {
  it.each(Object.keys(images))('%s', async (name) => {
    const own = cases.filter(({ image }) => image === name);
    const made = adjustImages(imageOf(name, own.length), rowsOf([own.map(({ kind, value }) => changeOf(kind, value))]));
    expect(made.format).toBe('channelsLast');
    const values = await made.read();
    for (const [i, { kind, value, pixels }] of own.entries()) {
      const got = values.slice(i * pixels.length, (i + 1) * pixels.length);
      const off = pixels.filter((v, at) => v !== got[at]);
      // A product that PyTorch rounds twice and a driver once may fall on the other side of a whole number.
      const furthest = Math.max(...pixels.map((v, at) => Math.abs(v - (got[at] as number))));
      expect(
        `${kind} ${value}: ${furthest > 1 || off.length > pixels.length / 50 ? `off by ${furthest} in ${off.length}` : 'agrees'}`,
      ).toBe(`${kind} ${value}: agrees`);
    }
  });

  it('takes the rows of its step, one for each image; what is NaN stays so', async () => {
    const x = imageOf('colours', 2);
    const rows = rowsOf([
      [{ kind: 'none' }, { kind: 'brightness', factor: 0 }],
      [{ kind: 'erase', rectangle: [-3, 2, 4, 99] }, { kind: 'none' }],
    ]);
    const [plain, [first, second]] = [
      await x.read(),
      [await adjustImages(x, rows).read(), await adjustImages(x, rows, { step: 1 }).read()],
    ];
    const half = plain.length / 2;
    expect([...first]).toEqual([...plain.slice(0, half), ...Array.from({ length: half }, () => 0)]);
    expect([...second]).toEqual([...plain].map((v, i) => (i < half && Math.floor((i % 99) / width) < 2 && i % width >= 4 ? 0 : v)));
    const nan = tensor([Number.NaN, 1, 2, 3], { shape: [1, 1, 2, 2], device });
    expect([...(await adjustImages(nan, rowsOf([[{ kind: 'equalize' }]])).read())]).toEqual([Number.NaN, 1, 2, 3]);
  });

  it('says what does not fit', () => {
    const [x, rows] = [imageOf('gray', 2), rowsOf([[{ kind: 'none' }, { kind: 'none' }]])];
    expect(() => adjustImages(tensor([1], { device }), rows)).toThrow('takes images [B, 1 or 3, H, W] f32, got f32 [1]');
    expect(() => adjustImages(imageOf('gray'), rows)).toThrow('takes rows [steps, 1, 8] f32, got f32 [1, 2, 8]');
    expect(() => adjustmentRow(untyped({ kind: 'sepia' }))).toThrow('kind sepia is unknown; it is none, affine, brightness');
    expect(() => adjustmentRow(untyped({ kind: 'hue' }))).toThrow(
      'of hue the numbers are [undefined]; give those that its type names, all finite',
    );
    expect(() => adjustmentRow(untyped({ kind: 'affine', matrix: 3 }))).toThrow('of affine the numbers are');
    expect(() => adjustImages(x, rows, { step: 1 })).toThrow('step is 1; give a whole number from 0 to 0');
  });
});
