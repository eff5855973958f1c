import { gzipSync } from 'node:zlib';
import { cifarFromFiles, DataError, fashionMnistFromFiles, gunzip, parseCifar, parseIdx, readIdx } from '@initlab/data';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cifarRecords, idx, pattern } from './fixtures.js';

describe('idx', () => {
  const images = idx([3, 28, 28], pattern(3 * 784));

  it('reads images and labels, plain and packed', async () => {
    const plain = parseIdx(images, { file: 'a', kind: 'images' });
    expect(plain.shape).toEqual([3, 28, 28]);
    expect([...plain.data.subarray(0, 4)]).toEqual([...pattern(4)]);
    expect((await readIdx(gzipSync(images), { file: 'a.gz', kind: 'images' })).data).toEqual(new Uint8Array(plain.data));
    expect([...parseIdx(idx([4], Uint8Array.of(1, 2, 3, 4)), { file: 'l', kind: 'labels' }).data]).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['cut off', images.subarray(0, 900), /is truncated: its header says 3 × 28 × 28 = 2352 bytes, 884 are there/],
    ['overlong', Buffer.concat([images, Buffer.from([0])]), /1 bytes more than the 3 × 28 × 28/],
    ['header cut off', images.subarray(0, 9), /cut off inside its 16-byte header/],
    ['empty', Buffer.alloc(0), /0 bytes, too few/],
    ['labels', idx([3], Uint8Array.of(1, 2, 3)), /expected idx magic 0x00000803 \(images\), found 0x00000801: a label file/],
    ['web page', Buffer.from('<html>404</html>'), /text like a web page/],
    ['huge claim', idx([0xffffffff, 0xffffffff, 0xffffffff], pattern(10)), /is truncated: its header says 4294967295 × 4294967295/],
  ])('refuses a file that is %s', (_, bytes, message) => {
    expect(() => parseIdx(bytes, { file: 'x-images', kind: 'images' })).toThrow(message);
    expect(() => parseIdx(bytes, { file: 'x-images', kind: 'images' })).toThrow(/^x-images: .*Fetch it again/);
  });

  it('never accepts anything but whole files', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          const { shape, data } = parseIdx(bytes, { file: 'f', kind: 'labels' });
          expect(data.length).toBe(shape[0]);
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
    );
  });

  it('refuses damaged and exploding gzip', async () => {
    const packed = gzipSync(images);
    await expect(gunzip(packed.subarray(0, packed.length - 20), { file: 't.gz' })).rejects.toThrow(/t\.gz: cannot be unpacked .*truncated/);
    const flipped = Buffer.from(packed);
    flipped.writeUInt8(flipped.readUInt8(40) ^ 0xff, 40);
    await expect(gunzip(flipped, { file: 't.gz' })).rejects.toThrow(DataError);
    await expect(gunzip([0x1f, 0x8b] as unknown as Uint8Array, { file: 't.gz' })).rejects.toThrow(
      /t\.gz: is to be given as a Uint8Array of its bytes/,
    );
    await expect(gunzip(gzipSync(Buffer.alloc(100_000)), { file: 't.gz', maxBytes: 5000 })).rejects.toThrow(/more than 5000 bytes/);
  });
});

describe('FashionMNIST from memory', () => {
  const named = (bytes: Uint8Array) => ({ file: 'f', bytes });
  const files = (labels: number[], size = 28) => ({
    trainImages: named(idx([2, size, size], pattern(2 * size * size))),
    trainLabels: named(idx([labels.length], Uint8Array.from(labels))),
    testImages: named(idx([1, 28, 28], pattern(784))),
    testLabels: named(idx([1], Uint8Array.of(9))),
  });

  it('puts the four files together', async () => {
    const set = await fashionMnistFromFiles(files([3, 7]));
    expect(set).toMatchObject({ name: 'fashion-mnist', channels: 1, height: 28, width: 28, mean: [0.286], std: [0.353], origin: 'memory' });
    expect(set.train.count).toBe(2);
    expect([...set.train.labels]).toEqual([3, 7]);
    expect(set.classes).toHaveLength(10);
  });

  it('refuses files that do not belong together', async () => {
    await expect(fashionMnistFromFiles(files([3, 7, 1]))).rejects.toThrow(/3 labels for 2 images/);
    await expect(fashionMnistFromFiles(files([3, 10]))).rejects.toThrow(/label 10 of image 1 is not one of the 10 classes/);
    await expect(fashionMnistFromFiles(files([3, 7], 32))).rejects.toThrow(/images of 32 × 32/);
  });
});

describe('CIFAR binary', () => {
  it('reads both kinds and keeps fine labels', () => {
    const ten = parseCifar(
      [
        { file: 'a', bytes: cifarRecords([[4], [9]], 0) },
        { file: 'b', bytes: cifarRecords([[1]], 7) },
      ],
      'cifar10',
    );
    expect([...ten.labels]).toEqual([4, 9, 1]);
    expect(ten.images.subarray(2 * 3072)).toEqual(pattern(3072, 7));
    const records = [
      {
        file: 'a',
        bytes: cifarRecords(
          [
            [19, 99],
            [0, 42],
          ],
          3,
        ),
      },
    ];
    const hundred = cifarFromFiles({ train: records, test: records }, { kind: 'cifar100' });
    expect([...hundred.train.labels]).toEqual([99, 42]);
    expect(hundred.train.images.subarray(3072)).toEqual(pattern(3072, 4));
    expect(new Set(hundred.classes).size).toBe(100);
  });

  it('refuses truncated files and labels out of range', () => {
    const good = cifarRecords([[4], [9]], 0);
    expect(() => parseCifar([{ file: 'data_batch_1.bin', bytes: good.subarray(0, 6000) }], 'cifar10')).toThrow(
      /data_batch_1\.bin: has 6000 bytes, which is not a whole number of 3073-byte records/,
    );
    expect(() => parseCifar([{ file: 'e', bytes: new Uint8Array() }], 'cifar10')).toThrow(/0 bytes/);
    expect(() => parseCifar([{ file: 'b', bytes: cifarRecords([[10]], 0) }], 'cifar10')).toThrow(/record 0 has label 10/);
    expect(() => parseCifar([{ file: 'b', bytes: cifarRecords([[20, 5]], 0) }], 'cifar100')).toThrow(/label 20\/5/);
  });
});
