import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadDataset } from '@initlab/data/node';
import { describe, expect, it } from 'vitest';
import { cifar10Members, cifarRecords, fashionFiles, freshFolder, tarGz, writeFiles } from './fixtures.js';

const fresh = freshFolder();
const quiet = { onNotice: () => undefined };

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
    const set = await loadDataset('fashion-mnist', { dir: plain, ...quiet });
    expect([set.train.count, set.test.count, set.origin]).toEqual([12, 5, plain]);
    const torch = fresh();
    mkdirSync(path.join(torch, 'FashionMNIST/raw'), { recursive: true });
    writeFiles(path.join(torch, 'FashionMNIST/raw'), fashionFiles(3, 1));
    expect((await loadDataset('fashion-mnist', { dir: torch, ...quiet })).train.count).toBe(3);
  });

  it('reads CIFAR-10 from the archive and from the extracted files alike', async () => {
    const packed = fresh();
    writeFiles(packed, {
      'cifar-10-binary.tar.gz': await tarGz({ 'cifar-10-batches-bin/readme.html': Buffer.from('x'), ...cifar10Members() }),
    });
    const archive = await loadDataset('cifar10', { dir: packed, ...quiet });
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
    const set = await loadDataset('cifar100', { dir, ...quiet });
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
    await expect(loadDataset('emnist' as 'cifar10')).rejects.toThrow(/no dataset 'emnist'; known are mnist, fashion-mnist/);
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
