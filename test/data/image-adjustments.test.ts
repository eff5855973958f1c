import { compile, type Device, openDevice, tensor } from '@initlab/core';
import { adjustImages, adjustmentRow, type ImageAdjustment } from '@initlab/core/internal';
import { batchMixing, type ImageDataset, imageAdjustments, ResidentDataset, type ResidentOptions } from '@initlab/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedAdjustments, drawAdjustments } from '../../packages/data/src/dataset/image-adjustments.js';
import { differs } from '../support/close.js';
import { untyped } from '../support/untyped.js';
import { pattern } from './fixtures.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const size = { height: 40, width: 60 };
type Options = Parameters<typeof imageAdjustments>[0];
const drawn = (options: Options, { step = 0, batch = 4000, cutout = 0, seed = 5 } = {}): ImageAdjustment[][] =>
  drawAdjustments(checkedAdjustments(options), { seed, step, batch, cutout, size });
const share = (all: readonly ImageAdjustment[], has: (one: ImageAdjustment) => boolean): number => all.filter(has).length / all.length;
/** Matrices to the digits that float64 leaves of them. */
const shown = (one: ImageAdjustment): string =>
  JSON.stringify(one, (_, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(9)) + 0 : value));

describe('RandAugment', () => {
  // By torchvision 0.14's RandAugment._augmentation_space(31, (40, 60)) at these magnitudes.
  it.each([
    [9, { slope: 0.09, x: 8, y: 5, degrees: 9, factor: 0.27, bits: 7, threshold: 178.5 }],
    [30, { slope: 0.3, x: 27, y: 18, degrees: 30, factor: 0.9, bits: 4, threshold: 0 }],
  ])(
    'draws each of fourteen as often, with torchvision’s strengths at magnitude %d',
    (magnitude, { slope, x, y, degrees, factor, bits, threshold }) => {
      const [first = [], second = [], ...others] = drawn({ randAugment: { magnitude } });
      expect([first.length, second.length, others.length]).toEqual([4000, 4000, 0]);
      const angle = (degrees * Math.PI) / 180;
      const turned = (sign: number): ImageAdjustment => {
        const [c, s, u, v] = [Math.cos(angle), sign * Math.sin(angle), 0.5 - 30, 0.5 - 20];
        return { kind: 'affine', matrix: [c, -s, c * u - s * v - u, s, c, s * u + c * v - v] };
      };
      const affine = (...matrix: [number, number, number, number, number, number]): ImageAdjustment => ({ kind: 'affine', matrix });
      const kinds = ['brightness', 'contrast', 'saturation', 'sharpness'] as const;
      const signed = (sign: number): ImageAdjustment[] => [
        affine(1, sign * slope, (sign * slope) / 2, 0, 1, 0),
        affine(1, 0, 0, sign * slope, 1, (sign * slope) / 2),
        affine(1, 0, sign * x, 0, 1, 0),
        affine(1, 0, 0, 0, 1, sign * y),
        turned(sign),
        ...kinds.map((kind): ImageAdjustment => ({ kind, factor: 1 + sign * factor })),
      ];
      const plain: ImageAdjustment[] = [
        { kind: 'none' },
        { kind: 'posterize', bits },
        { kind: 'solarize', threshold },
        { kind: 'autocontrast' },
        { kind: 'equalize' },
      ];
      const wanted = new Map([
        ...[...signed(1), ...signed(-1)].map((one) => [shown(one), 1 / 28] as const),
        ...plain.map((one) => [shown(one), 1 / 14] as const),
      ]);
      expect(wanted.size).toBe(23);
      const all = [...first, ...second];
      expect(new Set(all.map(shown))).toEqual(new Set(wanted.keys()));
      // Four standard errors.
      for (const [text, expected] of wanted)
        expect(Math.abs(share(all, (one) => shown(one) === text) - expected), text).toBeLessThan(4 * Math.sqrt(expected / all.length));
    },
  );

  it('follows from seed, step and place alone', () => {
    const options = { randAugment: { numOps: 3 }, colorJitter: { brightness: 0.4 } };
    const many = drawn(options, { step: 7, batch: 9 });
    expect(drawn(options, { step: 7, batch: 3 })).toEqual(many.map((row) => row.slice(0, 3)));
    expect(drawn(options, { step: 8, batch: 9 })).not.toEqual(many);
    expect(drawn(options, { step: 7, batch: 9, seed: 6 })).not.toEqual(many);
  });
});

describe('colour jitter', () => {
  it('draws factors from its ranges, and every order as often', () => {
    const colorJitter = { brightness: 0.4, contrast: 2, saturation: [1.5, 1.6], hue: 0.1 } as const;
    const steps = drawn({ colorJitter });
    const images = Array.from({ length: 4000 }, (_, i) => steps.map((row) => row[i] as ImageAdjustment));
    const orders = new Map<string, number>();
    for (const image of images) {
      const order = image.map(({ kind }) => kind[0]).join('');
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    for (const count of orders.values()) expect(Math.abs(count - 4000 / 24)).toBeLessThan(4 * Math.sqrt(4000 / 24));
    for (const [kind, least, most] of [
      ['brightness', 0.6, 1.4],
      ['contrast', 0, 3],
      ['saturation', 1.5, 1.6],
      ['hue', -0.1, 0.1],
    ] as const) {
      const values = images
        .flat()
        .flatMap((one) => (one.kind !== kind ? [] : 'turn' in one ? [one.turn] : 'factor' in one ? [one.factor] : []));
      const ends = [Math.min(...values), Math.max(...values)].map((v) => (v - least) / (most - least)) as [number, number];
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      expect([values.length, ends[0] >= 0 && ends[0] < 0.01, ends[1] <= 1 && ends[1] > 0.99]).toEqual([4000, true, true]);
      expect(Math.abs((mean - least) / (most - least) - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / 4000));
    }
    expect(drawn({ colorJitter: { hue: 0.5, brightness: 0 } }, { batch: 2 }).length).toBe(1);
  });
});

const split = { images: pattern(5 * 3 * 8 * 8, 3), labels: Uint8Array.of(3, 0, 2, 2, 1), count: 5 };
const set: ImageDataset = {
  ...{ name: 't', classes: [...'abcd'], channels: 3, height: 8, width: 8, train: split, test: split, origin: 'test' },
  ...{ mean: [0.4, 0.5, 0.6], std: [0.3, 0.2, 0.25] },
};
const rows = [4, 0, 2, 1];
const index = () => tensor(rows, { dtype: 'i32', device });
const resident = (options: ResidentOptions): ResidentDataset => new ResidentDataset(set, split, { device, seed: 7, ...options });

describe('batches of a resident dataset', () => {
  const options = { randAugment: { magnitude: 20 }, colorJitter: { brightness: 0.5, contrast: 0.5, saturation: 0.5, hue: 0.2 } };

  it('are cropped and flipped, then changed as drawn, then cut out of and normalised', async () => {
    const augmentation = { cropPadding: 2, flip: true, cutout: 3 };
    const data = resident({ augmentation, adjustments: imageAdjustments(options) });
    const bytesOf = resident({ augmentation: { cropPadding: 2, flip: true }, mean: [0], std: [1 / 255] });
    for (let step = 0; step < 3; step++) {
      const changes = drawAdjustments(checkedAdjustments(options), { seed: 7, step, batch: 4, cutout: 3, size: { height: 8, width: 8 } });
      expect(changes.length).toBe(7);
      let expected = bytesOf.batch(index()).images;
      for (const row of changes) expected = adjustImages(expected, tensor(row.flatMap(adjustmentRow), { shape: [1, 4, 8], device }));
      const values = [...(await expected.read())];
      expect(values.every((v) => Number.isInteger(v) && v >= 0 && v <= 255)).toBe(true);
      const wanted = values.map((v, i) => {
        const c = Math.floor(i / 64) % 3;
        return (v / 255 - (set.mean[c] as number)) / (set.std[c] as number);
      });
      expect(differs('images', await data.batch(index()).images.read(), wanted, { absolute: 2e-6, relative: 2e-6 })).toBe('');
    }
    expect([data.step, data.random, resident({}).random]).toEqual([3, true, false]);
    expect([...(await data.batch(index(), { augment: false }).images.read())]).toEqual([
      ...(await resident({}).batch(index()).images.read()),
    ]);
  });

  it('go on bit for bit from any step, compiled too, beside mixing', async () => {
    const all = { adjustments: imageAdjustments(options), mixing: batchMixing({ mixup: 0.3 }), augmentation: { flip: true } };
    const [compiled, resumed] = [resident(all), resident(all)];
    const step = compile((at) => compiled.batch(at), { device });
    const batches: number[][] = [];
    for (let i = 0; i < 4; i++) batches.push([...(await step(Int32Array.from(rows)).images.read())]);
    expect(new Set(batches.map(String)).size).toBe(4);
    resumed.step = 2;
    const again = compile((at) => resumed.batch(at), { device });
    expect([...(await again(Int32Array.from(rows)).images.read())]).toEqual(batches[2]);
  });

  it('of gray images have changed in their one channel before it is repeated; of a row that is not there are NaN', async () => {
    const gray = { ...set, channels: 1, mean: [0.5], std: [0.5] };
    const data = new ResidentDataset(
      gray,
      { ...split, images: split.images.subarray(0, 320) },
      { device, channels: 3, adjustments: imageAdjustments(options) },
    );
    const { images } = data.batch(tensor([1, 9], { dtype: 'i32', device }));
    const values = [...(await images.read())];
    expect(images.shape).toEqual([2, 3, 8, 8]);
    expect([values.slice(0, 64), values.slice(64, 128)]).toEqual([values.slice(64, 128), values.slice(128, 192)]);
    expect(values.slice(192).some(Number.isNaN)).toBe(true);
  });

  it('refuse what is no range, and no adjustments', () => {
    expect(() => imageAdjustments({})).toThrow(/changes nothing; give colorJitter or randAugment/);
    expect(() => imageAdjustments({ colorJitter: { hue: 0 } })).toThrow(/changes nothing/);
    expect(() => imageAdjustments({ colorJitter: { hue: 0.6 } })).toThrow(/hue is 0.6; give a number from 0 to 0.5/);
    expect(() => imageAdjustments({ colorJitter: { brightness: [0.9, 0.8] } })).toThrow(/brightness is 0.8; give a number from 0.9/);
    expect(() => imageAdjustments({ colorJitter: { contrast: untyped([1]) } })).toThrow(
      /contrast is \[1\]; give a number, or the least and the most/,
    );
    expect(() => imageAdjustments({ randAugment: { magnitude: 31 } })).toThrow(/magnitude is 31; give a whole number from 0 to 30/);
    expect(() => imageAdjustments({ randAugment: { numOps: 0 } })).toThrow(/numOps is 0/);
    expect(() => resident({ adjustments: untyped({ randAugment: {} }) })).toThrow(/give imageAdjustments\(/);
    expect(() => resident({ mean: [0.5, 0.4] })).toThrow(/mean is \[0.5, 0.4\]; give a list of 1 or 3, for all channels or one each/);
    expect(() => resident({ std: untyped(0.5) })).toThrow(/std is 0.5; give a list/);
    const six = { ...set, channels: 6, mean: [0], std: [1] };
    const data = new ResidentDataset(six, { ...split, images: pattern(5 * 6 * 64, 1) }, { device, adjustments: imageAdjustments(options) });
    expect(() => data.batch(index())).toThrow(/colours of 6 channels are not known; images must have one or three/);
  });
});
