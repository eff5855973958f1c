import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { loadDataset } from '@initlab/data/node';
import { describe, expect, it } from 'vitest';
import { cifar10Members, cifarRecords, fashionFiles, freshFolder, idx, pattern, tar, tarGz, unpacked, writeFiles } from './fixtures.js';

const fresh = freshFolder();
/** What was told while `load` ran. */
async function toldBy<T>(load: (onNotice: (line: string) => void) => Promise<T>): Promise<{ value: T; lines: string[] }> {
  const lines: string[] = [];
  return { value: await load((line) => lines.push(line)), lines };
}
const rename = (files: Record<string, Buffer>, to: (name: string) => string): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [to(name), bytes]));
const quiet = { onNotice: () => undefined };
const [packed, plain] = [fashionFiles(), unpacked(fashionFiles())];
const dotted = (name: string): string => name.replace('-idx', '.idx');
const broken = (): Buffer => (packed['train-images-idx3-ubyte.gz'] as Buffer).subarray(0, 40);

describe('the four idx files are found', () => {
  it.each<[string, Record<string, Buffer>]>([
    ['as they are published', packed],
    ['unpacked', plain],
    ['packed, without .gz in their names', rename(packed, (name) => name.replace('.gz', ''))],
    ['unpacked, with .gz in their names', rename(plain, (name) => `${name}.gz`)],
    ['with a dot for a dash', rename(plain, dotted)],
    ['with a dot for a dash, packed', rename(packed, dotted)],
    ['each in a folder of its own name (Kaggle)', rename(plain, (name) => `${name}/${name}`)],
    ['each in a folder of its own name, with dots in both', rename(plain, (name) => `${dotted(name)}/${dotted(name)}`)],
    ['each in a folder of its own name, with a dot in the file’s', rename(plain, (name) => `${name}/${dotted(name)}`)],
    ['each in a folder named like the packed file', rename(plain, (name) => `${name}.gz/${name}`)],
    ['where torchvision puts them', rename(packed, (name) => `FashionMNIST/raw/${name}`)],
    ['beside what macOS leaves', { ...packed, '._train-images-idx3-ubyte.gz': Buffer.from('Mac OS X'), '.DS_Store': Buffer.from('x') }],
    ['whole beside a .gz that is cut off', { ...plain, 'train-images-idx3-ubyte.gz': broken() }],
    ['whole beside a .gz that is empty', { ...plain, 't10k-labels-idx1-ubyte.gz': Buffer.alloc(0) }],
    ['whole beside a .gz of something else', { ...plain, 'train-labels-idx1-ubyte.gz': packed['t10k-images-idx3-ubyte.gz'] as Buffer }],
    ['whole beside labels of another number', { ...plain, 'train-labels-idx1-ubyte.gz': gzipSync(idx([3], pattern(3, 9))) }],
    ['whole beside images of another number', { ...plain, 'train-images-idx3-ubyte.gz': gzipSync(idx([2, 28, 28], pattern(1568))) }],
    [
      'whole in a sub-folder, of which some lie damaged above',
      { ...rename(packed, (name) => `raw/${name}`), 'train-images-idx3-ubyte.gz': broken() },
    ],
    [
      'whole in a sub-folder, all damaged above',
      { ...rename(packed, (name) => `raw/${name}`), ...packed, 'train-images-idx3-ubyte.gz': broken() },
    ],
  ])('%s', async (_, files) => {
    const dir = fresh();
    writeFiles(dir, files);
    const set = await loadDataset('fashion-mnist', { dir, ...quiet });
    expect([set.train.count, set.test.count]).toEqual([12, 5]);
    expect(Buffer.from(set.train.images).equals((plain['train-images-idx3-ubyte'] as Buffer).subarray(16))).toBe(true);
  });

  it('but damaged ones alone are told by name, the first first', async () => {
    const dir = fresh();
    writeFiles(dir, { ...packed, 'train-images-idx3-ubyte.gz': broken(), 'train-images-idx3-ubyte': Buffer.from('<html>') });
    await expect(loadDataset('fashion-mnist', { dir })).rejects.toThrow(/train-images-idx3-ubyte\.gz: cannot be unpacked/);
  });

  it('one that is not as published is read, and a line says so; Debian’s, packed anew, is as published', async () => {
    const dir = fresh();
    writeFiles(dir, packed);
    const own = await toldBy((onNotice) => loadDataset('fashion-mnist', { dir, onNotice }));
    expect(own.lines).toEqual([`${dir}: not as published, by the MD5 of ${Object.keys(packed).join(', ')}; read as it is`]);
    expect((await toldBy((onNotice) => loadDataset('fashion-mnist-sample', { onNotice }))).lines).toEqual([]);
  });

  it('of the other dataset, whose files have the same names, are refused', async () => {
    const labels = (first: string, count: number): Buffer =>
      idx(
        [count],
        Uint8Array.from({ length: count }, (_, i) => (i < first.length ? Number(first[i]) : i % 10)),
      );
    const dir = fresh();
    writeFiles(dir, {
      ...plain,
      't10k-images-idx3-ubyte': idx([10_000, 28, 28], new Uint8Array(7_840_000)),
      't10k-labels-idx1-ubyte': labels('7210414959', 10_000),
    });
    await expect(loadDataset('fashion-mnist', { dir })).rejects.toThrow(/t10k-labels.*holds the labels of MNIST, not of FashionMNIST/);
    expect((await loadDataset('mnist', { dir, ...quiet })).test.count).toBe(10_000);
    writeFileSync(path.join(dir, 't10k-labels-idx1-ubyte'), labels('9211614657', 10_000));
    await expect(loadDataset('mnist', { dir })).rejects.toThrow(/holds the labels of FashionMNIST, not of MNIST/);
  });

  it('MNIST, also where torchvision puts it', async () => {
    const dir = fresh();
    writeFiles(dir, {
      ...rename(packed, (name) => `MNIST/raw/${name}`),
      ...rename(fashionFiles(3, 2), (name) => `FashionMNIST/raw/${name}`),
    });
    const set = await loadDataset('mnist', { dir, ...quiet });
    expect(set).toMatchObject({
      name: 'mnist',
      channels: 1,
      height: 28,
      width: 28,
      mean: [0.1307],
      std: [0.3081],
      classes: [...'0123456789'],
    });
    expect([set.train.count, set.test.count]).toEqual([12, 5]);
    await expect(loadDataset('mnist', { dir: fresh() })).rejects.toThrow(
      /mnist: not found in .*put train-images-idx3-ubyte\.gz, .* into a folder/,
    );
  });
});

describe('CIFAR’s files are found', () => {
  const labels = [1, 2, 2, 3, 3, 4, 4, 5, 5, 6];
  const members = cifar10Members();
  const older = Object.fromEntries(Object.keys(members).map((name) => [path.basename(name), cifarRecords([[7], [7]], 0)]));
  const inFolder = (folder: string, files = members): Record<string, Buffer> =>
    Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}${path.basename(name)}`, bytes]));
  const damaged = { ...members, 'cifar-10-batches-bin/data_batch_3.bin': Buffer.alloc(100) };

  it.each<[string, () => Promise<Record<string, Buffer>>]>([
    ['unpacked', async () => members],
    ['unpacked, in a folder named like the archive', async () => inFolder('cifar-10-binary/cifar-10-batches-bin/')],
    ['unpacked, in a folder named like the archive with its end', async () => inFolder('cifar-10-binary.tar.gz/cifar-10-batches-bin/')],
    ['as they are published', async () => ({ 'cifar-10-binary.tar.gz': await tarGz(members) })],
    ['unpacked to a tar by the browser, the name kept', async () => ({ 'cifar-10-binary.tar.gz': gunzipSync(await tarGz(members)) })],
    ['as a plain tar', async () => ({ 'cifar-10-binary.tar': gunzipSync(await tarGz(members)) })],
    ['as a packed archive called .tar', async () => ({ 'cifar-10-binary.tar': await tarGz(members) })],
    ['as .tgz', async () => ({ 'cifar-10-binary.tgz': await tarGz(members) })],
    ['whole in the archive beside a damaged copy', async () => ({ ...damaged, 'cifar-10-binary.tar.gz': await tarGz(members) })],
    ['whole beside a damaged archive', async () => ({ ...members, 'cifar-10-binary.tar.gz': Buffer.from('<html>') })],
    [
      'whole in a .tar beside a damaged .tar.gz',
      async () => ({
        'cifar-10-binary.tar.gz': (await tarGz(members)).subarray(0, 99),
        'cifar-10-binary.tar': await tar(Object.entries(members)),
      }),
    ],
    ['in an archive without a folder', async () => ({ 'cifar-10-binary.tar.gz': await tarGz(inFolder('')) })],
    [
      'in an archive whose paths begin with ./',
      async () => ({ 'cifar-10-binary.tar.gz': await tarGz(inFolder('./cifar-10-batches-bin/')) }),
    ],
    ['in an archive of a folder of one’s own', async () => ({ 'cifar-10-binary.tar.gz': await tarGz(inFolder('my/data/')) })],
    [
      'in an archive, an older copy in a sub-folder after it',
      async () => ({ 'cifar-10-binary.tar.gz': await tarGz({ ...members, ...inFolder('old/', older) }) }),
    ],
    [
      'in an archive, an older copy in a sub-folder before it',
      async () => ({ 'cifar-10-binary.tar.gz': await tarGz({ ...inFolder('cifar-10-batches-bin/old/', older), ...members }) }),
    ],
    [
      'in an archive, a part of an older copy after it',
      async () => ({ 'cifar-10-binary.tar.gz': await tarGz({ ...members, 'old/data_batch_1.bin': cifarRecords([[7]], 0) }) }),
    ],
    [
      'in an archive of a whole folder, an older copy above it',
      async () => ({ 'cifar-10-binary.tar.gz': await tarGz({ ...inFolder('me/cifar-10-batches-bin/'), ...inFolder('me/', older) }) }),
    ],
    [
      'in an archive, a part of an older copy under the usual path',
      async () => ({
        'cifar-10-binary.tar.gz': await tarGz({ ...inFolder('new/'), 'cifar-10-batches-bin/data_batch_1.bin': cifarRecords([[7]], 0) }),
      }),
    ],
    [
      'in an archive to which a newer version was appended',
      async () => ({
        'cifar-10-binary.tar': await tar([['cifar-10-batches-bin/data_batch_1.bin', cifarRecords([[7]], 0)], ...Object.entries(members)]),
      }),
    ],
    [
      'in an archive with what macOS adds',
      async () => ({
        'cifar-10-binary.tar.gz': await tarGz({
          ...inFolder('cifar-10-batches-bin/._', older),
          ...members,
          'cifar-10-batches-bin/readme.html': Buffer.from('x'),
        }),
      }),
    ],
  ])('%s', async (_, files) => {
    const dir = fresh();
    writeFiles(dir, await files());
    expect([...(await loadDataset('cifar10', { dir, ...quiet })).train.labels]).toEqual(labels);
  });

  it('two copies of which none has the usual name are not guessed between', async () => {
    const dir = fresh();
    writeFiles(dir, { 'cifar-10-binary.tar.gz': await tarGz({ ...inFolder('old/', older), ...inFolder('new/') }) });
    await expect(loadDataset('cifar10', { dir })).rejects.toThrow(/holds the dataset more than once, in old and new\. Unpack it/);
  });

  it('links on disk are followed, as everywhere', async () => {
    const dir = fresh();
    writeFiles(dir, members);
    const batch = path.join(dir, 'cifar-10-batches-bin/data_batch_1.bin');
    writeFileSync(path.join(dir, 'elsewhere.bin'), readFileSync(batch));
    mkdirSync(path.join(dir, 'linked/cifar-10-batches-bin'), { recursive: true });
    for (const name of Object.keys(members)) symlinkSync(path.join(dir, 'elsewhere.bin'), path.join(dir, 'linked', name));
    const linked = await loadDataset('cifar10', { dir: path.join(dir, 'linked') });
    expect([...linked.train.labels]).toEqual([1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
  });
});
