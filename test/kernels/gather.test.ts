import { type Device, gather, openDevice, type Tensor, tensor } from '@initlab/core';
import { type GatherImagesOptions, gatherImages } from '@initlab/core/internal';
import { type GatherImagesProblem, philox4x32, planGatherImages } from '@initlab/kernels';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';

let gpu: RawGpu;
let device: Device;
beforeAll(async () => {
  gpu = await openRawGpu();
  device = await openDevice();
});
afterAll(() => device.close());

type Options = Omit<GatherImagesOptions, 'rng'>;
const rngWords = [7, 8, 9, 10] as const;
/** One rounding of the scaled byte. */
const bound = { absolute: 1e-6, relative: 1e-6 };

function makeImages(count: number, { channels, height, width }: Options): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((count * channels * height * width) / 4) * 4);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 131 + (i >> 5) * 17) % 256;
  return bytes;
}

/** The batch as its rules are written, pixel by pixel, in NCHW order. */
function reference(bytes: Uint8Array, index: readonly number[], options: Options): Float64Array {
  const { channels, height, width, outChannels, outHeight, outWidth, mean, std, crop = 0, flip = false, cutout = 0 } = options;
  const y = new Float64Array(index.length * outChannels * outHeight * outWidth);
  index.forEach((image, n) => {
    const [a, b, c, d] = philox4x32([n, 0xda7a, rngWords[2], rngWords[3]], [rngWords[0], rngWords[1]]);
    const centre = [d % outHeight, Math.floor(d / outHeight) % outWidth] as const;
    for (let k = 0; k < outChannels; k++)
      for (let h = 0; h < outHeight; h++)
        for (let w = 0; w < outWidth; w++) {
          const half = cutout >> 1;
          const cut =
            cutout > 0 && h >= centre[0] - half && h < centre[0] - half + cutout && w >= centre[1] - half && w < centre[1] - half + cutout;
          let row = h;
          let column = flip && (c & 1) === 1 ? outWidth - 1 - w : w;
          if (crop > 0) {
            row += (a % (2 * crop + 1)) - crop;
            column += (b % (2 * crop + 1)) - crop;
          }
          row -= (outHeight - height) >> 1;
          column -= (outWidth - width) >> 1;
          const inside = !cut && row >= 0 && row < height && column >= 0 && column < width;
          const byte = inside ? (bytes[((image * channels + (k % channels)) * height + row) * width + column] as number) : 0;
          y[((n * outChannels + k) * outHeight + h) * outWidth + w] = (byte / 255 - (mean[k] as number)) / (std[k] as number);
        }
  });
  return y;
}

const grey: Options = { channels: 1, height: 7, width: 5, outChannels: 1, outHeight: 7, outWidth: 5, mean: [0.5], std: [0.25] };
const repeated: Options = {
  ...grey,
  height: 28,
  width: 28,
  outHeight: 32,
  outWidth: 32,
  outChannels: 3,
  mean: [0.1, 0.2, 0.3],
  std: [1, 0.5, 0.3],
};
const colour: Options = {
  channels: 3,
  height: 9,
  width: 8,
  outChannels: 3,
  outHeight: 9,
  outWidth: 8,
  mean: [0.5, 0.4, 0.3],
  std: [0.2, 0.3, 0.4],
};
const cases: [string, Options][] = [
  ['as stored', grey],
  ['centred with a border, one channel repeated', repeated],
  ['colour', colour],
  ['random crop', { ...colour, crop: 2 }],
  ['a wider random crop with the same shapes', { ...colour, crop: 4 }],
  ['flip', { ...colour, flip: true }],
  ['cutout', { ...colour, cutout: 4 }],
  ['a smaller cutout of odd side', { ...colour, cutout: 3 }],
  ['crop, flip and cutout', { ...repeated, crop: 4, flip: true, cutout: 16 }],
];

describe('gatherImages', () => {
  const index = [4, 0, 4, 2, 1, 3, 5];
  for (const [title, options] of cases)
    it(title, async () => {
      const bytes = makeImages(6, options);
      const images = tensor(new Uint32Array(bytes.buffer), { dtype: 'u32', device });
      const rng = options.crop || options.flip || options.cutout ? tensor(Uint32Array.from(rngWords), { dtype: 'u32', device }) : undefined;
      const y = gatherImages(images, tensor(Int32Array.from(index), { dtype: 'i32', device }), { ...options, rng });
      expect(y.shape).toEqual([7, options.outChannels, options.outHeight, options.outWidth]);
      expect(y.format).toBe('channelsLast');
      expect(differs(title, await y.read(), reference(bytes, index, options), bound)).toBe('');
    });

  it('in half precision', async () => {
    if (!device.target.f16) return;
    const bytes = makeImages(6, colour);
    const images = tensor(new Uint32Array(bytes.buffer), { dtype: 'u32', device });
    const y = gatherImages(images, tensor(Int32Array.from(index), { dtype: 'i32', device }), { ...colour, dtype: 'f16' });
    expect(y.dtype).toBe('f16');
    // One rounding to half.
    expect(differs('f16', await y.read(), reference(bytes, index, colour), { absolute: 1e-6, relative: 2 ** -11 })).toBe('');
  });

  it('no two different kernels share a name', () => {
    const problem = (options: Options): GatherImagesProblem => ({ ...options, batch: 4, imageWords: 1000, dtype: 'f32' });
    const sources = new Map<string, string>();
    for (const [, options] of cases) {
      const kernel = planGatherImages(problem(options), gpu.target).dispatches[0]?.kernel;
      if (!kernel) throw new Error('no dispatch');
      expect(sources.get(kernel.name) ?? kernel.source(), kernel.name).toBe(kernel.source());
      sources.set(kernel.name, kernel.source());
    }
  });

  it('makes NaN of an image outside', async () => {
    const bytes = makeImages(6, colour);
    const images = tensor(new Uint32Array(bytes.buffer), { device });
    const y = await gatherImages(images, tensor(Int32Array.of(5, 6, -1, 0), { device }), colour).read();
    const image = y.length / 4;
    const expected = reference(bytes, [5, 0, 0, 0], colour).map((v, i) => (i >= image && i < 3 * image ? Number.NaN : v));
    expect(differs('outside', y, expected, bound)).toBe('');
  });

  it('reads images that span several bindings', async () => {
    const bytes = makeImages(6, colour);
    const problem: GatherImagesProblem = { ...colour, batch: 7, imageWords: bytes.length / 4, dtype: 'f32' };
    const plan = planGatherImages(problem, { ...gpu.target, maxStorageBinding: 512 });
    expect(plan.dispatches[0]?.kernel.bindings.length).toBe(5);
    const { y } = await gpu.run(plan, { images: bytes, index: Int32Array.from(index) }, { y: 7 * 3 * 72 * 4 });
    const nhwc = new Float32Array(y as ArrayBuffer);
    const nchw = Float32Array.from(nhwc, (_, i) => nhwc[Math.floor(i / 216) * 216 + (i % 72) * 3 + (Math.floor(i / 72) % 3)] as number);
    expect(differs('parts', nchw, reference(bytes, index, colour), bound)).toBe('');
  });

  it('says what does not fit', () => {
    const images = tensor(new Uint32Array(4), { dtype: 'u32', device });
    const at = tensor(Int32Array.of(0), { dtype: 'i32', device });
    expect(() => gatherImages(tensor([1], { device }), at, grey)).toThrow('takes images u32');
    expect(() => gatherImages(images, at, { ...grey, outChannels: 3 })).toThrow('mean and std need 3');
    expect(() => gatherImages(images, at, { ...grey, outHeight: 3 })).toThrow('smaller than the stored');
    expect(() => gatherImages(images, at, { ...grey, flip: true })).toThrow('give rng');
  });
});

describe('gather', () => {
  it('picks from vectors of any 32-bit type', async () => {
    const index = tensor(Int32Array.of(2, 0, 2, 1), { dtype: 'i32', device });
    const pick = async (x: Tensor): Promise<number[]> => [...(await gather(x, index).read())];
    expect(await pick(tensor(Int32Array.of(-5, 6, 2 ** 30 + 1), { dtype: 'i32', device }))).toEqual([2 ** 30 + 1, -5, 2 ** 30 + 1, 6]);
    expect(await pick(tensor([0.5, 1.5, Number.NaN], { device }))).toEqual([Number.NaN, 0.5, Number.NaN, 1.5]);
    expect(() => gather(tensor([[1]], { device }), index)).toThrow('elements of a vector');
  });

  it('marks what lies outside', async () => {
    const index = tensor(Int32Array.of(0, 2, 3, -1), { device });
    // The vector ends before its last 16 bytes do.
    expect([...(await gather(tensor(Int32Array.of(7, 8, 9), { device }), index).read())]).toEqual([7, 9, -1, -1]);
    expect([...(await gather(tensor(Uint32Array.of(7, 8, 9), { device }), index).read())]).toEqual([7, 9, 2 ** 32 - 1, 2 ** 32 - 1]);
    expect([...(await gather(tensor([7, 8, 9], { device }), index).read())]).toEqual([7, 9, Number.NaN, Number.NaN]);
  });
});
