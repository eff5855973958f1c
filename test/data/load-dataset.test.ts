import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadDataset } from '@initlab/data/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cifar10Members, cifarRecords, fashionFiles, md5, serve, tarGz, temporaryFolder, writeFiles } from './fixtures.js';

const folder = temporaryFolder();
let next = 0;
const fresh = (): string => {
  const made = path.join(folder, String(next++));
  mkdirSync(made);
  return made;
};
const savedCache = process.env.INITLAB_DATA;
beforeEach(() => {
  process.env.INITLAB_DATA = fresh();
});
afterEach(() => {
  if (savedCache === undefined) delete process.env.INITLAB_DATA;
  else process.env.INITLAB_DATA = savedCache;
});

describe('the shipped sample', () => {
  it('has 200 and 50 images of every class, the same bytes everywhere', async () => {
    const set = await loadDataset('fashion-mnist-sample');
    expect([set.train.count, set.test.count, set.origin]).toEqual([2000, 500, 'shipped with initlab']);
    for (let c = 0; c < 10; c++) {
      expect(set.train.labels.filter((l) => l === c)).toHaveLength(200);
      expect(set.test.labels.filter((l) => l === c)).toHaveLength(50);
    }
    // The first images of FashionMNIST are an ankle boot and a T-shirt.
    expect([...set.train.labels.subarray(0, 3)]).toEqual([9, 0, 0]);
    expect(createHash('sha256').update(set.train.images).digest('hex').slice(0, 16)).toBe('6c59094797e4bc9e');
  });
});

describe('folders', () => {
  it('reads FashionMNIST from a folder and from the layout PyTorch makes', async () => {
    const plain = fresh();
    writeFiles(plain, fashionFiles());
    const set = await loadDataset('fashion-mnist', { dir: plain });
    expect([set.train.count, set.test.count, set.origin]).toEqual([12, 5, plain]);
    const torch = fresh();
    mkdirSync(path.join(torch, 'FashionMNIST/raw'), { recursive: true });
    writeFiles(path.join(torch, 'FashionMNIST/raw'), fashionFiles(3, 1));
    expect((await loadDataset('fashion-mnist', { dir: torch })).train.count).toBe(3);
  });

  it('reads CIFAR-10 from the archive and from the extracted files alike', async () => {
    const packed = fresh();
    writeFiles(packed, {
      'cifar-10-binary.tar.gz': await tarGz({ 'cifar-10-batches-bin/readme.html': Buffer.from('x'), ...cifar10Members() }),
    });
    const archive = await loadDataset('cifar10', { dir: packed });
    expect([...archive.train.labels]).toEqual([1, 2, 2, 3, 3, 4, 4, 5, 5, 6]);
    expect([...archive.test.labels]).toEqual([0, 9, 3]);
    const extracted = fresh();
    mkdirSync(path.join(extracted, 'cifar-10-batches-bin'));
    writeFiles(extracted, cifar10Members());
    const files = await loadDataset('cifar10', { dir: extracted });
    expect(files.train).toEqual(archive.train);
    expect((await loadDataset('cifar10', { dir: path.join(extracted, 'cifar-10-batches-bin') })).test).toEqual(archive.test);
  });

  it('reads CIFAR-100', async () => {
    const dir = fresh();
    const members = {
      'cifar-100-binary/train.bin': cifarRecords(
        [
          [1, 50],
          [2, 60],
        ],
        1,
      ),
      'cifar-100-binary/test.bin': cifarRecords([[3, 70]], 5),
    };
    writeFiles(dir, { 'cifar-100-binary.tar.gz': await tarGz(members) });
    const set = await loadDataset('cifar100', { dir });
    expect([...set.train.labels, ...set.test.labels]).toEqual([50, 60, 70]);
  });

  it('says what is wrong and what to do', async () => {
    await expect(loadDataset('cifar10', { dir: fresh() })).rejects.toThrow(
      /cifar10: not found in .*put cifar-10-binary\.tar\.gz into a folder.*fashion-mnist-sample ships with initlab/,
    );
    const some = fresh();
    const files = fashionFiles();
    writeFiles(some, { 'train-images-idx3-ubyte.gz': files['train-images-idx3-ubyte.gz'] as Buffer });
    await expect(loadDataset('fashion-mnist', { dir: some })).rejects.toThrow(/lacks train-labels-idx1-ubyte\.gz, t10k-images/);
    const cut = fresh();
    writeFiles(cut, { ...files, 'train-images-idx3-ubyte.gz': (files['train-images-idx3-ubyte.gz'] as Buffer).subarray(0, 500) });
    await expect(loadDataset('fashion-mnist', { dir: cut })).rejects.toThrow(/train-images-idx3-ubyte\.gz: cannot be unpacked/);
    const swapped = fresh();
    writeFiles(swapped, { ...files, 't10k-images-idx3-ubyte.gz': files['t10k-labels-idx1-ubyte.gz'] as Buffer });
    await expect(loadDataset('fashion-mnist', { dir: swapped })).rejects.toThrow(/t10k-images.*: expected idx magic/);
    const pickled = fresh();
    writeFileSync(path.join(pickled, 'cifar-10-python.tar.gz'), 'x');
    await expect(loadDataset('cifar10', { dir: pickled })).rejects.toThrow(/pickled Python version/);
    const cycle = fresh();
    symlinkSync(fresh(), path.join(cycle, 'cifar-10-binary.tar.gz'));
    await expect(loadDataset('cifar10', { dir: cycle })).rejects.toThrow(/cannot read: it is a folder/);
    await expect(loadDataset('mnist' as 'cifar10')).rejects.toThrow(/no dataset 'mnist'; known are/);
  });

  it('refuses damaged archives', async () => {
    const whole = await tarGz(cifar10Members());
    const cut = fresh();
    writeFiles(cut, { 'cifar-10-binary.tar.gz': whole.subarray(0, whole.length - 100) });
    await expect(loadDataset('cifar10', { dir: cut })).rejects.toThrow(/cifar-10-binary\.tar\.gz: cannot be unpacked/);
    const noise = fresh();
    writeFiles(noise, { 'cifar-10-binary.tar.gz': Buffer.from('<html>gone</html>') });
    await expect(loadDataset('cifar10', { dir: noise })).rejects.toThrow(/cannot be unpacked/);
    const { 'cifar-10-batches-bin/test_batch.bin': _, ...rest } = cifar10Members();
    const lacking = fresh();
    writeFiles(lacking, { 'cifar-10-binary.tar.gz': await tarGz(rest) });
    await expect(loadDataset('cifar10', { dir: lacking })).rejects.toThrow(/lacks test_batch\.bin/);
  });
});

describe('downloads', () => {
  it('fetches what is missing once, checks it and keeps it', async () => {
    const archive = await tarGz(cifar10Members());
    const { baseUrl, asked } = await serve({ 'cifar-10-binary.tar.gz': archive });
    let received = 0;
    const download = {
      baseUrl,
      md5: { 'cifar-10-binary.tar.gz': md5(archive) },
      onProgress: (p: { receivedBytes: number }) => (received = p.receivedBytes),
    };
    const set = await loadDataset('cifar10', { download });
    expect(set.train.count).toBe(10);
    expect(received).toBe(archive.length);
    const kept = path.join(process.env.INITLAB_DATA as string, 'cifar10');
    expect(readdirSync(kept)).toEqual(['cifar-10-binary.tar.gz']);
    expect((await loadDataset('cifar10', { download })).origin).toBe(kept);
    expect(asked).toHaveLength(1);
  });

  it('goes on with a folder that lacks some files', async () => {
    const files = fashionFiles();
    const { baseUrl, asked } = await serve(files);
    const dir = fresh();
    writeFiles(dir, { 'train-images-idx3-ubyte.gz': files['train-images-idx3-ubyte.gz'] as Buffer });
    const sums = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, md5(bytes)]));
    expect((await loadDataset('fashion-mnist', { dir, download: { baseUrl, md5: sums } })).train.count).toBe(12);
    expect(asked).toHaveLength(3);
  });

  it('leaves nothing behind when the checksum, the server or the disk fails', async () => {
    const { baseUrl } = await serve({ 'cifar-10-binary.tar.gz': Buffer.from('something else') });
    const dir = fresh();
    await expect(loadDataset('cifar10', { dir, download: { baseUrl } })).rejects.toThrow(
      /has MD5 [0-9a-f]{32} \(14 bytes\), c32a1d4ab5d03f12/,
    );
    await expect(loadDataset('cifar100', { dir, download: { baseUrl } })).rejects.toThrow(/answered 404/);
    await expect(loadDataset('cifar100', { dir, download: { baseUrl: 'http://127.0.0.1:1' } })).rejects.toThrow(
      /download failed: .*by hand into/,
    );
    expect(readdirSync(dir)).toEqual([]);
    symlinkSync('/dev/full', path.join(dir, `cifar-10-binary.tar.gz.part-${process.pid}`));
    await expect(loadDataset('cifar10', { dir, download: { baseUrl } })).rejects.toThrow(/cannot write: the disk is full/);
    expect(readdirSync(dir)).toEqual([]);
  });
});
