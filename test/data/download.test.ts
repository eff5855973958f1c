import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { datasetCatalog } from '@initlab/data';
import { downloadFile, loadDataset } from '@initlab/data/node';
import { describe, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';
import { cifar10Members, fashionFiles, freshFolder, idx, md5, pattern, serve, sums, tar, tarGz, unpacked, writeFiles } from './fixtures.js';

const fresh = freshFolder();
const images = 'train-images-idx3-ubyte.gz';

describe('downloads', () => {
  it('fetches what is missing once, checks it and keeps it', async () => {
    const archive = await tarGz(cifar10Members());
    const { baseUrl, asked } = await serve({ 'cifar-10-binary.tar.gz': archive });
    let received = 0;
    const lines: string[] = [];
    const download = {
      baseUrl,
      md5: { 'cifar-10-binary.tar.gz': md5(archive).toUpperCase() },
      onProgress: (p: { receivedBytes: number }) => (received = p.receivedBytes),
    };
    const set = await loadDataset('cifar10', { download, onNotice: (line) => lines.push(line) });
    expect(set.train.count).toBe(10);
    expect(set.origin).toBe(`${baseUrl}/`);
    expect(received).toBe(archive.length);
    const kept = path.join(process.env.INITLAB_DATA as string, 'cifar10');
    expect(lines).toEqual([`fetching ${baseUrl}/cifar-10-binary.tar.gz into ${kept}; it comes over plain http, its MD5 guards it`]);
    expect(readdirSync(kept)).toEqual(['cifar-10-binary.tar.gz']);
    expect((await loadDataset('cifar10', { download })).origin).toBe(kept);
    expect(asked).toHaveLength(1);
  });

  it('goes on with a folder that lacks some files', async () => {
    const files = fashionFiles();
    const { baseUrl, asked } = await serve(files);
    const dir = fresh();
    writeFiles(dir, { [images]: files[images] as Buffer });
    const set = await loadDataset('fashion-mnist', { dir, download: { baseUrl, md5: sums(files) }, onNotice: () => undefined });
    expect(set.train.count).toBe(12);
    expect(asked).toHaveLength(3);
  });

  it('leaves nothing behind when the checksum, the server or the disk fails', async () => {
    const { baseUrl } = await serve({ 'cifar-10-binary.tar.gz': Buffer.from('something else') });
    const dir = fresh();
    const quiet = { onNotice: () => undefined };
    await expect(loadDataset('cifar10', { dir, download: { baseUrl }, ...quiet })).rejects.toThrow(
      /has MD5 [0-9a-f]{32} \(14 bytes\), c32a1d4ab5d03f12/,
    );
    await expect(loadDataset('cifar100', { dir, download: { baseUrl }, ...quiet })).rejects.toThrow(/answered 404/);
    await expect(loadDataset('cifar100', { dir, download: { baseUrl: 'http://127.0.0.1:1' }, ...quiet })).rejects.toThrow(
      /download failed: .*by hand into/,
    );
    expect(readdirSync(dir)).toEqual([]);
    symlinkSync('/dev/full', path.join(dir, `cifar-10-binary.tar.gz.part-${process.pid}`));
    await expect(loadDataset('cifar10', { dir, download: { baseUrl }, ...quiet })).rejects.toThrow(/cannot write: the disk is full/);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('every published address is https, and every file has its checksum', () => {
    for (const { baseUrl, files } of Object.values(datasetCatalog)) {
      if (files.length > 0) expect(baseUrl).toMatch(/^https:.*\/$/);
      for (const { md5: sum, contents } of files) {
        expect(sum).toMatch(/^[0-9a-f]{32}$/);
        for (const content of contents) expect(content.md5 ?? sum).toMatch(/^[0-9a-f]{32}$/);
      }
    }
  });
});

describe('with the download allowed', () => {
  const files = fashionFiles();
  const whole = files[images] as Buffer;

  it.each<[string, Buffer]>([
    ['is cut off', whole.subarray(0, 100)],
    ['is empty', Buffer.alloc(0)],
    ['is a web page', Buffer.from('<html>not found</html>')],
    ['lost its last bytes, which are its checksum', whole.subarray(0, whole.length - 4)],
    ['has a flipped bit', Buffer.from(whole.map((byte, i) => (i === 300 ? byte ^ 4 : byte)))],
    ['is whole with other pixels', gzipSync(idx([12, 28, 28], pattern(12 * 784, 5)))],
    ['is whole, packed otherwise', gzipSync(idx([12, 28, 28], pattern(12 * 784)), { level: 1 })],
    ['has fewer images', gzipSync(idx([3, 28, 28], pattern(3 * 784)))],
    ['holds labels', files['t10k-labels-idx1-ubyte.gz'] as Buffer],
    ['is larger than any of its name', Buffer.alloc(48_000_000)],
  ])('a file that %s is fetched again, and a line says why', async (_, bad) => {
    const dir = fresh();
    writeFiles(dir, { ...files, [images]: bad });
    const { baseUrl, asked } = await serve(files);
    const lines: string[] = [];
    const set = await loadDataset('fashion-mnist', { dir, download: { baseUrl, md5: sums(files) }, onNotice: (line) => lines.push(line) });
    expect(Buffer.from(set.train.images).equals(Buffer.from(pattern(12 * 784)))).toBe(true);
    expect(asked).toEqual([images]);
    expect(lines[0]).toContain(path.join(dir, images));
    expect(lines[1]).toMatch(/^fetching /);
    expect(readFileSync(path.join(dir, images)).equals(whole)).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(Object.keys(files).sort());
  });

  it('an archive that is damaged, of other images or a folder is fetched again', async () => {
    const archive = await tarGz(cifar10Members());
    const other = await tarGz({ ...cifar10Members(), readme: Buffer.from('x') });
    const { baseUrl, asked } = await serve({ 'cifar-10-binary.tar.gz': archive });
    const download = { baseUrl, md5: { 'cifar-10-binary.tar.gz': md5(archive) } };
    const bad = [archive.subarray(0, 500), Buffer.alloc(0), Buffer.from('<html>'), other, Buffer.concat([archive, Buffer.alloc(9)])];
    for (const bytes of bad) {
      const dir = fresh();
      writeFiles(dir, { 'cifar-10-binary.tar.gz': bytes });
      expect((await loadDataset('cifar10', { dir, download, onNotice: () => undefined })).train.count).toBe(10);
      expect(readFileSync(path.join(dir, 'cifar-10-binary.tar.gz')).equals(archive)).toBe(true);
    }
    expect(asked).toHaveLength(bad.length);
  });

  it('unpacked files that are damaged give way to the archive, which is fetched', async () => {
    const archive = await tarGz(cifar10Members());
    const { baseUrl, asked } = await serve({ 'cifar-10-binary.tar.gz': archive });
    const dir = fresh();
    writeFiles(dir, { ...cifar10Members(), 'cifar-10-batches-bin/data_batch_2.bin': Buffer.alloc(3000) });
    const download = { baseUrl, md5: { 'cifar-10-binary.tar.gz': md5(archive) } };
    for (let i = 0; i < 2; i++) expect((await loadDataset('cifar10', { dir, download, onNotice: () => undefined })).train.count).toBe(10);
    expect(asked).toHaveLength(1);
  });

  it('what is there under another name, and has no checksum in that form, is taken when it is whole', async () => {
    const { baseUrl, asked } = await serve({});
    const dir = fresh();
    writeFiles(dir, unpacked(files));
    expect((await loadDataset('fashion-mnist', { dir, download: { baseUrl, md5: sums(files) } })).train.count).toBe(12);
    const plain = fresh();
    writeFiles(plain, { 'cifar-10-binary.tar': await tar(Object.entries(cifar10Members())) });
    expect((await loadDataset('cifar10', { dir: plain, download: { baseUrl } })).train.count).toBe(10);
    expect(asked).toEqual([]);
  });

  it('unpacked files are held against the checksum of what is published', async () => {
    const { baseUrl, asked } = await serve({});
    const dir = fresh();
    writeFiles(dir, unpacked(files));
    const lines: string[] = [];
    await expect(loadDataset('mnist', { dir, download: { baseUrl }, onNotice: (line) => lines.push(line) })).rejects.toThrow(
      /answered 404/,
    );
    expect(lines[0]).toMatch(/train-images-idx3-ubyte: has MD5 [0-9a-f]{32}, its publisher's has 6bbc9ace898e44ae57da46a324031adb/);
    expect(asked).toEqual([images]);
  });

  const debian = '/usr/share/datasets/fashion-mnist';
  it.runIf(existsSync(path.join(debian, images)))(
    'Debian’s files, packed anew, are known by their content (only where they are installed)',
    async () => {
      const lines: string[] = [];
      const download = { baseUrl: 'http://127.0.0.1:1' };
      const set = await loadDataset('fashion-mnist', { download, onNotice: (line) => lines.push(line) });
      expect([set.train.count, set.test.count, set.origin]).toEqual([60_000, 10_000, debian]);
      expect(lines).toEqual([]);
    },
  );

  it('a file that cannot be fetched leaves the one that is there', async () => {
    const dir = fresh();
    const { baseUrl } = await serve({ [images]: Buffer.from('something else') });
    const bad = whole.subarray(0, 100);
    writeFiles(dir, { ...files, [images]: bad });
    const options = { dir, download: { baseUrl, md5: sums(files) }, onNotice: () => undefined };
    await expect(loadDataset('fashion-mnist', options)).rejects.toThrow(/has MD5/);
    expect(readFileSync(path.join(dir, images)).equals(bad)).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(Object.keys(files).sort());
    rmSync(path.join(dir, images));
    mkdirSync(path.join(dir, images));
    const good = { ...options, download: { ...options.download, baseUrl: (await serve(files)).baseUrl } };
    await expect(loadDataset('fashion-mnist', good)).rejects.toThrow(/train-images-idx3-ubyte\.gz: cannot write/);
  });

  it('two loads at once share no half-written file', async () => {
    const archive = await tarGz(cifar10Members());
    const { baseUrl } = await serve({ 'cifar-10-binary.tar.gz': archive });
    const options = { dir: fresh(), download: { baseUrl, md5: { 'cifar-10-binary.tar.gz': md5(archive) } }, onNotice: () => undefined };
    const sets = await Promise.all(Array.from({ length: 4 }, () => loadDataset('cifar10', options)));
    expect(sets.map(({ train }) => train.count)).toEqual([10, 10, 10, 10]);
    expect(readdirSync(options.dir)).toEqual(['cifar-10-binary.tar.gz']);
  });
});

describe('redirects', () => {
  const content = Buffer.from('the file');
  const fetchFrom = async (url: string, more: { md5?: string } = {}): Promise<{ bytes: Buffer; lines: string[] }> => {
    const [target, lines] = [path.join(fresh(), 'file'), [] as string[]];
    await downloadFile({ url, target }, { md5: md5(content), onNotice: (line) => lines.push(line), ...more });
    return { bytes: readFileSync(target), lines };
  };
  const to = (location: string, status = 302) => ({ status, headers: { location } });

  it('within a host are followed without a word', async () => {
    const { baseUrl } = await serve({ a: to('b'), b: to('/data/c', 308), c: content });
    expect(await fetchFrom(`${baseUrl}/a`)).toEqual({ bytes: content, lines: [] });
  });

  it('to another host are followed, and a line names it', async () => {
    const other = await serve({ c: content });
    const { baseUrl } = await serve({ a: to(`${other.baseUrl}/c`, 307) });
    expect(await fetchFrom(`${baseUrl}/a`)).toEqual({
      bytes: content,
      lines: [`${baseUrl}/a redirects to ${other.host}; what comes from there is checked against its MD5, as any download`],
    });
  });

  it('to another host that serves something else end in an error', async () => {
    const other = await serve({ c: Buffer.from('something else') });
    const { baseUrl } = await serve({ a: to(`${other.baseUrl}/c`) });
    await expect(fetchFrom(`${baseUrl}/a`)).rejects.toThrow(/has MD5 [0-9a-f]{32} \(14 bytes\)/);
  });

  it('are not followed without a checksum, without end, or to what is no web address', async () => {
    const { baseUrl, asked } = await serve({ a: to('a'), b: to('file:///etc/passwd'), c: to('data:text/plain,x'), d: to('http://') });
    await expect(fetchFrom(`${baseUrl}/a`, { md5: untyped(undefined) })).rejects.toThrow(
      /cannot be checked: its MD5 is given as undefined/,
    );
    expect(asked).toEqual([]);
    await expect(fetchFrom(`${baseUrl}/a`)).rejects.toThrow(/download failed: more than 5 redirects/);
    await expect(fetchFrom(`${baseUrl}/b`)).rejects.toThrow(/download failed: file: is neither http nor https/);
    await expect(fetchFrom(`${baseUrl}/c`)).rejects.toThrow(/download failed: data: is neither/);
    await expect(fetchFrom(`${baseUrl}/d`)).rejects.toThrow(/download failed: Invalid URL/);
  });
});

describe('what a server sends', () => {
  const get = async (answer: Parameters<typeof serve>[0][string], options: { md5: string; maxBytes?: number }): Promise<Buffer> => {
    const target = path.join(fresh(), 'file');
    try {
      await downloadFile({ url: `${(await serve({ file: answer })).baseUrl}/file`, target }, options);
    } catch (error) {
      expect(readdirSync(path.dirname(target))).toEqual([]);
      throw error;
    }
    return readFileSync(target);
  };

  it('is kept as it is, also where it calls a .gz file gzip-encoded', async () => {
    const bytes = gzipSync('the file');
    expect((await get({ headers: { 'content-encoding': 'gzip' }, bytes }, { md5: md5(bytes) })).equals(bytes)).toBe(true);
  });

  it('is refused when it ends early, is too long or announced to be', async () => {
    const bytes = Buffer.from('the file');
    const sum = md5(bytes);
    await expect(get({ headers: { 'content-length': '100' }, bytes }, { md5: sum })).rejects.toThrow(/download failed: aborted/);
    await expect(get(bytes, { md5: sum, maxBytes: 7 })).rejects.toThrow(/is longer than 7 bytes/);
    await expect(get({ bytes }, { md5: sum, maxBytes: 7 })).rejects.toThrow(/is longer than 7 bytes/);
  });

  it('stops when it is told to, or when nothing comes', async () => {
    const target = path.join(fresh(), 'file');
    const { baseUrl } = await serve({ file: { headers: { 'content-length': '100' }, bytes: Buffer.from('x') } });
    const stop = AbortSignal.abort(new Error('stopped by hand'));
    await expect(downloadFile({ url: `${baseUrl}/file`, target }, { md5: md5(Buffer.alloc(0)), signal: stop })).rejects.toThrow(
      /stopped by hand/,
    );
    writeFileSync(target, 'what was there');
    await expect(downloadFile({ url: `${baseUrl}/file`, target }, { md5: md5(Buffer.alloc(0)) })).rejects.toThrow(/download failed/);
    expect(readFileSync(target, 'utf8')).toBe('what was there');
  });
});
