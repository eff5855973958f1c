import { spawnSync } from 'node:child_process';
import { createWriteStream, existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gunzipSync, gzipSync } from 'node:zlib';
import { DataError } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { cifar10Members, cifarRecords, fashionFiles, freshFolder, idx, tar, tarGz, unpacked, writeFiles } from './fixtures.js';

const fresh = freshFolder();
const quiet = { onNotice: () => undefined };
const archiveName = 'cifar-10-binary.tar.gz';
const names = Object.keys(cifar10Members());

/** Loads, and answers by how many MiB the process grew beyond what it was, sampled while it ran. */
async function growth(load: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  try {
    await load();
  } finally {
    clearInterval(timer);
  }
  return (most - before) / 2 ** 20;
}
/** A small .gz that unpacks to `header` and so many MiB of zeros. */
async function packZeros(file: string, { header = Buffer.alloc(0), mebibytes }: { header?: Buffer; mebibytes: number }): Promise<void> {
  const zeros = Buffer.alloc(2 ** 20);
  const parts = function* (): Generator<Buffer> {
    yield header;
    for (let i = 0; i < mebibytes; i++) yield zeros;
  };
  await pipeline(Readable.from(parts()), createGzip({ level: 1 }), createWriteStream(file));
}
/** Of a tar archive that claims a member of this size. */
async function tarHeader(name: string, size: number): Promise<Buffer> {
  const archive = pack();
  archive.entry({ name, size });
  for await (const block of archive as AsyncIterable<Uint8Array>) return Buffer.from(block);
  throw new Error('no header');
}

/** Beside what a load needs anyhow: CIFAR-10's known 176 MiB and what the streams hold. 6,500 before there were caps. */
const allowed = 450;

describe('an archive that unpacks to more than it should', () => {
  it.each<[string, string, number, RegExp]>([
    [
      'a member larger than the dataset’s',
      'cifar-10-batches-bin/data_batch_1.bin',
      200,
      /member data_batch_1\.bin claims 209715200 bytes, the dataset's has 30730000/,
    ],
    ['one that nobody wants', 'cifar-10-batches-bin/readme.html', 420, /unpacks to more than 435868864 bytes; it is not the archive/],
  ])('%s is refused, without the memory it claims', async (_, name, mebibytes, message) => {
    const dir = fresh();
    await packZeros(path.join(dir, archiveName), { header: await tarHeader(name, mebibytes * 2 ** 20), mebibytes });
    const grown = await growth(() => expect(loadDataset('cifar10', { dir })).rejects.toThrow(message));
    expect(grown).toBeLessThan(allowed);
  });

  it('the same members over and over are refused in the end', async () => {
    const dir = fresh();
    const copy = (name: string): [string, Buffer] => [name, Buffer.alloc(10_000 * 3073)];
    const once = await tar(names.map(copy));
    // gzip members joined unpack to what is in them, joined; the blocks that end the archive are left out.
    const part = gzipSync(once.subarray(0, once.length - 1024), { level: 1 });
    writeFileSync(path.join(dir, archiveName), Buffer.concat([part, part, part]));
    const grown = await growth(() => expect(loadDataset('cifar10', { dir })).rejects.toThrow(/unpacks to more than 435868864 bytes/));
    expect(grown).toBeLessThan(allowed);
  });

  it('a packed idx file is refused once it is beyond its known size, also in many gzip members', async () => {
    const dir = fresh();
    writeFiles(dir, unpacked(fashionFiles()));
    for (const name of readdirSync(dir)) writeFileSync(path.join(dir, name), 'x');
    await packZeros(path.join(dir, 'train-images-idx3-ubyte'), { mebibytes: 200 });
    const message = /train-images-idx3-ubyte: unpacks to more than 47040016 bytes/;
    expect(await growth(() => expect(loadDataset('fashion-mnist', { dir })).rejects.toThrow(message))).toBeLessThan(allowed);
    const part = gzipSync(Buffer.alloc(2 ** 20));
    writeFileSync(path.join(dir, 'train-images-idx3-ubyte'), Buffer.concat(Array.from({ length: 200 }, () => part)));
    await expect(loadDataset('fashion-mnist', { dir })).rejects.toThrow(message);
  });

  it('files larger than any of their name are not read', async () => {
    const dir = fresh();
    writeFiles(dir, { ...unpacked(fashionFiles()), 't10k-labels-idx1-ubyte': Buffer.alloc(100_000) });
    await expect(loadDataset('fashion-mnist', { dir })).rejects.toThrow(/t10k-labels-idx1-ubyte: has 100000 bytes, more than the 75544/);
    const bin = fresh();
    writeFiles(bin, { ...cifar10Members(), 'cifar-10-batches-bin/test_batch.bin': Buffer.alloc(10_001 * 3073) });
    await expect(loadDataset('cifar10', { dir: bin })).rejects.toThrow(/test_batch\.bin: has 30733073 bytes, more than the 30730000/);
  });

  it('links and devices in an archive are no members', async () => {
    const dir = fresh();
    const archive = pack();
    for (const [name, bytes] of Object.entries(cifar10Members())) archive.entry({ name }, bytes);
    archive.entry({ name: names[0] as string, type: 'symlink', linkname: '/etc/passwd' });
    archive.entry({ name: names[1] as string, type: 'link', linkname: names[0] as string });
    archive.entry({ name: names[2] as string, type: 'directory' });
    archive.entry({ name: names[3] as string, type: 'character-device' });
    archive.entry({ name: `../../${names[4]}` }, Buffer.from('outside'));
    archive.finalize();
    await pipeline(archive, createWriteStream(path.join(dir, 'cifar-10-binary.tar')));
    expect([...(await loadDataset('cifar10', { dir })).train.labels]).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
  });
});

describe('what is no file', () => {
  it.each<[string, string]>([
    ['train-images-idx3-ubyte.gz', 'fashion-mnist'],
    [archiveName, 'cifar10'],
  ])('a device or a pipe called %s is refused, not read for ever', async (file, name) => {
    for (const make of ['zero', 'pipe']) {
      const dir = fresh();
      writeFiles(dir, fashionFiles());
      spawnSync('rm', [path.join(dir, file)]);
      if (make === 'zero') symlinkSync('/dev/zero', path.join(dir, file));
      else spawnSync('mkfifo', [path.join(dir, file)]);
      expect(existsSync(path.join(dir, file))).toBe(true);
      await expect(loadDataset(name as 'cifar10', { dir })).rejects.toThrow(/is a pipe or a device, not a file/);
    }
  });

  it('a link in a circle is not found, a folder is told', async () => {
    const dir = fresh();
    symlinkSync(path.join(dir, 'a'), path.join(dir, archiveName));
    symlinkSync(path.join(dir, archiveName), path.join(dir, 'a'));
    await expect(loadDataset('cifar10', { dir })).rejects.toThrow(/not found in/);
  });
});

/** Some bytes changed, cut out or put in. */
const damage = (whole: Uint8Array): fc.Arbitrary<Buffer> =>
  fc.array(fc.tuple(fc.nat(whole.length), fc.nat(3), fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 5 }).map((changes) =>
    changes.reduce((bytes, [at, kind, put]) => {
      const cut = kind === 0 ? put.length : kind === 1 ? 0 : kind === 2 ? bytes.length : 40;
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(Math.min(at + cut, bytes.length))]);
    }, Buffer.from(whole)),
  );

describe('whatever is in the files, they are read or refused', () => {
  const check = async (name: 'cifar10' | 'fashion-mnist', dir: string): Promise<void> => {
    try {
      const { train, test, channels, height, width } = await loadDataset(name, { dir, ...quiet });
      for (const { images, labels, count } of [train, test]) {
        expect(labels.length).toBe(count);
        expect(images.length).toBe(count * channels * height * width);
        expect(labels.every((label) => label < 10)).toBe(true);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(DataError);
    }
  };

  it('an idx file, plain and packed', async () => {
    const dir = fresh();
    writeFiles(dir, unpacked(fashionFiles(2, 1)));
    const file = path.join(dir, 'train-images-idx3-ubyte');
    const whole = idx([2, 28, 28], new Uint8Array(1568));
    const any = fc.oneof(damage(whole), damage(gzipSync(whole)));
    await fc.assert(
      fc.asyncProperty(any, async (bytes) => {
        writeFileSync(file, bytes);
        await check('fashion-mnist', dir);
      }),
      { numRuns: 400, seed: 21 },
    );
  });

  it('an archive, plain and packed', async () => {
    const dir = fresh();
    const packed = await tarGz(Object.fromEntries(names.map((name, i) => [name, cifarRecords([[i]], i)])));
    const any = fc.oneof(damage(gunzipSync(packed)), damage(packed));
    await fc.assert(
      fc.asyncProperty(any, async (bytes) => {
        writeFileSync(path.join(dir, archiveName), bytes);
        await check('cifar10', dir);
      }),
      { numRuns: 400, seed: 22 },
    );
  });
});
