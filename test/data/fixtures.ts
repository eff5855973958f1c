import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, afterEach, beforeEach } from 'vitest';

/** A fresh folder, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'initlab-data-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes further folders; the cache folder is one of its own for each test. */
export function freshFolder(): () => string {
  const folder = temporaryFolder();
  let next = 0;
  const fresh = (): string => {
    const made = path.join(folder, String(next++));
    mkdirSync(made);
    return made;
  };
  const saved = process.env.INITLAB_DATA;
  beforeEach(() => {
    process.env.INITLAB_DATA = fresh();
  });
  afterEach(() => {
    if (saved === undefined) delete process.env.INITLAB_DATA;
    else process.env.INITLAB_DATA = saved;
  });
  return fresh;
}

export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** Bytes that differ from place to place. */
export const pattern = (length: number, seed = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 8)) & 255);

/** An idx file of unsigned bytes. */
export function idx(shape: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  shape.forEach((size, i) => void header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, data]);
}

/** The four files of FashionMNIST with a few images. */
export function fashionFiles(train = 12, test = 5): Record<string, Buffer> {
  const labels = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i % 10);
  return {
    'train-images-idx3-ubyte.gz': gzipSync(idx([train, 28, 28], pattern(train * 784))),
    'train-labels-idx1-ubyte.gz': gzipSync(idx([train], labels(train))),
    't10k-images-idx3-ubyte.gz': gzipSync(idx([test, 28, 28], pattern(test * 784, 1))),
    't10k-labels-idx1-ubyte.gz': gzipSync(idx([test], labels(test))),
  };
}

/** The checksums of files, by name. */
export const sums = (files: Record<string, Uint8Array>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, md5(bytes)]));

/** The four files unpacked, under their names without .gz. */
export const unpacked = (files: Record<string, Buffer>): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name.replace(/\.gz$/, ''), gunzipSync(bytes)]));

/** CIFAR records: labels, then planes. */
export function cifarRecords(labels: readonly (readonly number[])[], seed: number): Buffer {
  return Buffer.concat(labels.flatMap((label, i) => [Buffer.from(label), pattern(3072, seed + i)]));
}

export function cifar10Members(): Record<string, Buffer> {
  const batches = [1, 2, 3, 4, 5].map((b) => [`cifar-10-batches-bin/data_batch_${b}.bin`, cifarRecords([[b], [b + 1]], 10 * b)] as const);
  return { ...Object.fromEntries(batches), 'cifar-10-batches-bin/test_batch.bin': cifarRecords([[0], [9], [3]], 99) };
}

/** A tar archive with these members, in this order; a name may come twice. */
export async function tar(members: readonly (readonly [string, Uint8Array])[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of members) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A .tar.gz with these members. */
export const tarGz = async (members: Record<string, Uint8Array>): Promise<Buffer> => gzipSync(await tar(Object.entries(members)));

export function writeFiles(folder: string, files: Record<string, Uint8Array>): void {
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  }
}

/** An answer with headers of its own. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly bytes?: Uint8Array;
}

/** Serves files from localhost; closed after the file's tests. */
export async function serve(files: Record<string, Uint8Array | Answer>): Promise<{ baseUrl: string; host: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    asked.push(name);
    const there = files[name];
    if (there instanceof Uint8Array) response.writeHead(200, { 'content-length': there.length }).end(there);
    else if (there) response.writeHead(there.status ?? 200, there.headers).end(there.bytes);
    else response.writeHead(404).end('<html>nothing here</html>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  afterAll(() => void server.close());
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { baseUrl: `http://${host}/data`, host, asked };
}
