import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { type Device, openDevice, tensor } from '@initlab/core';
import { type ImageDataset, ResidentDataset } from '@initlab/data';
import { loadImageFolder } from '@initlab/data/node';
import { encode } from 'fast-png';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../packages/data/src/formats/decode-image.js';
import { centreCrop } from '../../packages/data/src/transforms/centre-crop.js';

interface Pillow {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: readonly number[];
  readonly resized: readonly number[];
}
const images = new URL('./images/', import.meta.url).pathname;
const pillow = JSON.parse(await readFile(path.join(images, 'pillow.json'), 'utf8')) as Record<string, Pillow>;
const imageOf = async (name: string) => decodeImage(await readFile(path.join(images, name)), { file: name });
const furthest = (a: ArrayLike<number>, b: readonly number[]): number => Math.max(...b.map((v, i) => Math.abs(v - (a[i] as number))));

/** The file with another width and height, and the checksum that goes with them. */
function interlacedHeader(file: Uint8Array, size: number): Uint8Array {
  const bytes = file.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(16, size);
  view.setUint32(20, size);
  view.setUint32(29, crc32(bytes.subarray(12, 29)));
  return bytes;
}

describe('images as Pillow reads them (test/data/images/make_images.py)', () => {
  it.each(Object.entries(pillow))('%s', async (name, expected) => {
    const image = await imageOf(name);
    const { width, height, channels } = image;
    expect({ width, height, channels }).toEqual({ width: expected.width, height: expected.height, channels: expected.channels });
    // The inverse cosine transforms of two JPEG decoders round differently.
    const bound = name.endsWith('jpg') ? 3 : 0;
    expect(furthest(image.pixels, expected.pixels)).toBeLessThanOrEqual(bound);
    expect(furthest(centreCrop(image, 8), expected.resized)).toBeLessThanOrEqual(bound);
  });

  it('16 bits: the upper 8', () => {
    const data = Uint16Array.from({ length: 12 }, (_, i) => i * 4999);
    const image = decodeImage(encode({ width: 4, height: 1, data, depth: 16, channels: 3 }), { file: 'deep.png' });
    expect([...image.pixels]).toEqual([...data].map((v) => v >> 8));
  });

  it('marks of Adobe and JFIF say what three components are, as libjpeg takes them', async () => {
    const file = new Uint8Array(await readFile(path.join(images, 'chroma-2x2.jpg')));
    const bare = Uint8Array.of(...file.subarray(0, 2), ...file.subarray(4 + ((file[4] as number) << 8) + (file[5] as number)));
    const marked = (transform: number): Uint8Array =>
      Uint8Array.of(
        0xff,
        0xd8,
        0xff,
        0xee,
        0,
        14,
        ...new TextEncoder().encode('Adobe'),
        0,
        100,
        0,
        0,
        0,
        0,
        transform,
        ...bare.subarray(2),
      );
    const pixelsOf = (bytes: Uint8Array) => decodeImage(bytes, { file: 'a.jpg' }).pixels;
    expect(pixelsOf(bare)).toEqual(pixelsOf(file));
    expect(pixelsOf(marked(1))).toEqual(pixelsOf(file));
    expect(furthest(pixelsOf(marked(0)), [...pixelsOf(file)])).toBeGreaterThan(50);
  });

  it('an interlaced PNG of few bits that is cut off or damaged anywhere is named, before memory is taken for it', async () => {
    const whole = new Uint8Array(await readFile(path.join(images, 'interlaced-palette-4.png')));
    for (let at = 8; at < whole.length; at++) {
      const bent = whole.with(at, (whole[at] as number) ^ 16);
      for (const bytes of [bent, whole.slice(0, at)])
        expect(() => decodeImage(bytes, { file: 'a.png' }), String(at)).toThrow(/^a\.png: is no image that can be read: /);
    }
    const wide = interlacedHeader(whole, 2 ** 31 - 1);
    expect(() => decodeImage(wide, { file: 'a.png' })).toThrow('a.png: is no image that can be read: it ends before its pixels');
  });

  it('what is no image, or damaged, is named', async () => {
    expect(() => decodeImage(new Uint8Array(), { file: 'empty.jpg' })).toThrow('empty.jpg: is neither PNG nor JPEG');
    const bits = new Uint8Array(await readFile(path.join(images, 'bits.png')));
    expect(() => decodeImage(bits.with(28, 1), { file: 'a.png' })).toThrow(
      'a.png: is no image that can be read: its chunk IHDR is damaged',
    );
    const deep = new Uint8Array(await readFile(path.join(images, 'gray.jpg')));
    const frame = deep.findIndex((byte, i) => byte === 0xff && deep[i + 1] === 0xc0);
    expect(() => decodeImage(deep.with(frame + 4, 12), { file: 'a.jpg' })).toThrow('a.jpg: has 12 bits a sample, which is not read here');
    for (const [kind, what] of [
      [0xc3, 'lossless coding'],
      [0xc6, 'a hierarchy of images'],
      [0xc9, 'arithmetic coding'],
      [0xca, 'arithmetic coding'],
    ] as const)
      expect(() => decodeImage(deep.with(frame + 1, kind), { file: 'a.jpg' })).toThrow(
        `a.jpg: is a JPEG with ${what}, which is not read here. Save it with Huffman coding`,
      );
    expect(() => decodeImage(new TextEncoder().encode('GIF89a'), { file: 'a.png' })).toThrow('a.png: is neither PNG nor JPEG');
    const whole = new Uint8Array(await readFile(path.join(images, 'rgb.png')));
    const bent = whole.slice();
    bent[60] = (bent[60] as number) ^ 255;
    for (const [name, bytes] of [
      ['bent.png', bent],
      ['short.png', whole.slice(0, 80)],
      ['short.jpg', new Uint8Array(await readFile(path.join(images, 'baseline.jpg'))).slice(0, 300)],
    ] as const)
      expect(() => decodeImage(bytes, { file: name })).toThrow(new RegExp(`^${name}: is no image that can be read: `));
  });
});

describe('a folder of images', () => {
  let device: Device;
  let dir: string;
  beforeAll(async () => {
    device = await openDevice();
    dir = await mkdtemp(path.join(tmpdir(), 'initlab-images-'));
  });
  afterAll(async () => {
    device.close();
    await rm(dir, { recursive: true });
  });
  /** Files by path below a new folder: names of images, or bytes. */
  async function folder(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    for (const [at, content] of Object.entries(files)) {
      const file = path.join(dir, name, at);
      await mkdir(path.dirname(file), { recursive: true });
      await (typeof content === 'string' ? copyFile(path.join(images, content), file) : writeFile(file, content));
    }
    return path.join(dir, name);
  }

  it('has its classes and files in the order of their names; gray ones among colours are three times their plane', async () => {
    const place = await folder('two', {
      'train/dog/b.png': 'rgb.png',
      'train/dog/a/c.PNG': 'gray.png',
      'train/dog/notes.txt': new Uint8Array(),
      'train/cat/1.png': 'palette.png',
      'val/dog/1.png': 'rgba.png',
      'train/.cache/x.png': new Uint8Array(),
    });
    const seen: number[] = [];
    const dataset = await loadImageFolder(place, { onProgress: ({ done, total }) => seen.push(done / total) });
    expect(dataset).toMatchObject({ name: 'two', classes: ['cat', 'dog'], channels: 3, height: 10, width: 13, origin: place });
    expect([[...dataset.train.labels], [...dataset.test.labels]]).toEqual([[0, 1, 1], [1]]);
    expect(seen).toEqual([0.25, 0.5, 0.75, 1]);
    const gray = (pillow['gray.png'] as Pillow).pixels;
    expect([...dataset.train.images.subarray(390, 780)]).toEqual([...gray, ...gray, ...gray]);
    const { images: batch, labels } = new ResidentDataset(dataset, dataset.train, { device, size: 13 }).batch(
      tensor([1], { dtype: 'i32', device }),
    );
    expect([batch.shape, [...(await labels.read())]]).toEqual([[1, 3, 13, 13], [1]]);
  });

  it('of gray images is gray, of several sizes is brought to one, and without a test is divided by a seed', async () => {
    const sizes = await folder('sizes', {
      'x/1.png': 'gray.png',
      'x/2.png': encode({ width: 20, height: 9, data: new Uint8Array(180).fill(7), channels: 1 }),
      'y/1.png': 'gray-alpha.png',
      'y/2.png': 'bits.png',
    });
    await expect(loadImageFolder(sizes, { testShare: 0.25 })).rejects.toThrow(/x\/2\.png: is 9 × 20, .*1\.png is 10 × 13\. Give a size/);
    const load = (seed: number): Promise<ImageDataset> => loadImageFolder(sizes, { size: 8, testShare: 0.25, seed });
    const dataset = await load(1);
    expect(dataset).toMatchObject({ channels: 1, height: 8, width: 8, mean: [0.449] });
    expect([dataset.train.count, dataset.test.count]).toEqual([3, 1]);
    expect(await load(1)).toEqual(dataset);
  });

  it('follows links, orders names as Python does, and refuses what would be lost or never end', async () => {
    const place = await folder('links', {
      'train/\u{1f600}/1.png': 'gray.png',
      'train/\uff5e b/1.png': 'gray.png',
      'elsewhere/x/1.png': 'gray.png',
    });
    await symlink(path.join(place, 'elsewhere'), path.join(place, 'train', 'a'));
    await symlink(path.join(place, 'elsewhere/x/1.png'), path.join(place, 'elsewhere/2.png'));
    // `train` alone is divided; beside it lie no classes.
    const dataset = await loadImageFolder(place, { testShare: 0.25 });
    expect(dataset.classes).toEqual(['a', '\uff5e b', '\u{1f600}']);
    expect([...dataset.train.labels, ...dataset.test.labels].sort()).toEqual([0, 0, 1, 2]);
    await symlink('..', path.join(place, 'elsewhere/x/up'));
    await expect(loadImageFolder(place, { testShare: 0.25 })).rejects.toThrow(/a\/x\/up: is a link to a folder that it lies in/);
    const other = await folder('other', { 'x/1.png': 'gray.png', 'x/2.webp': 'gray.png' });
    await expect(loadImageFolder(other, { testShare: 0.5 })).rejects.toThrow(/2\.webp: is an image of a kind that is not read here/);
    await expect(
      loadImageFolder(await folder('large', { 'x/1.png': 'gray.png', 'x/2.png': 'gray.png' }), { testShare: 0.5, size: 1e7 }),
    ).rejects.toThrow(/has 2 images, which at 10000000 × 10000000 are 200000\.0 GB/);
  });

  it('says what it lacks', async () => {
    const bare = await folder('bare', { 'train/x/1.png': 'gray.png', 'test/z/1.png': 'gray.png' });
    await expect(loadImageFolder(bare)).rejects.toThrow(/test\/z: is a class that train does not have/);
    await expect(loadImageFolder(path.join(dir, 'two', 'train'))).rejects.toThrow(/has no folders train and test \(or val\).*testShare/);
    await expect(loadImageFolder(await folder('empty', { 'x/notes.txt': new Uint8Array() }), { testShare: 0.5 })).rejects.toThrow(
      /empty\/x: has no \.png, \.jpg or \.jpeg/,
    );
    await expect(loadImageFolder(path.join(dir, 'nowhere'))).rejects.toThrow(/does not exist/);
    await expect(loadImageFolder(path.join(dir, 'two/train/cat/1.png'))).rejects.toThrow(/is a file, not a folder/);
    await expect(loadImageFolder(dir, { size: 0 })).rejects.toThrow(/size is 0/);
    await expect(loadImageFolder(dir, { testShare: 1 })).rejects.toThrow(/testShare is 1/);
    await expect(loadImageFolder(dir, { testShare: 0.5, seed: -1 })).rejects.toThrow(/seed is -1/);
  });

  it('has more than 256 classes', async () => {
    const dot = encode({ width: 1, height: 1, data: Uint8Array.of(9), channels: 1 });
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`c${String(i).padStart(3, '0')}/1.png`, dot]));
    const place = await folder('many', { ...many, 'c299/2.png': dot });
    const dataset = await loadImageFolder(place, { testShare: 1 / 301 });
    expect([dataset.classes.length, dataset.train.count, dataset.test.count]).toEqual([300, 300, 1]);
    const rows = new ResidentDataset(dataset, dataset.train, { device }).batch(tensor([0, 298], { dtype: 'i32', device }));
    expect([...(await rows.labels.read())]).toEqual([dataset.train.labels[0], dataset.train.labels[298]]);
    expect(Math.max(...dataset.train.labels)).toBe(299);
  });
});
