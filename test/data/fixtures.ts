import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll } from 'vitest';

/** A fresh folder, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'initlab-data-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
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

/** CIFAR records: labels, then planes. */
export function cifarRecords(labels: readonly (readonly number[])[], seed: number): Buffer {
  return Buffer.concat(labels.flatMap((label, i) => [Buffer.from(label), pattern(3072, seed + i)]));
}

export function cifar10Members(): Record<string, Buffer> {
  const batches = [1, 2, 3, 4, 5].map((b) => [`cifar-10-batches-bin/data_batch_${b}.bin`, cifarRecords([[b], [b + 1]], 10 * b)] as const);
  return { ...Object.fromEntries(batches), 'cifar-10-batches-bin/test_batch.bin': cifarRecords([[0], [9], [3]], 99) };
}

/** A .tar.gz with these members. */
export async function tarGz(members: Record<string, Uint8Array>): Promise<Buffer> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(members)) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks));
}

export function writeFiles(folder: string, files: Record<string, Uint8Array>): void {
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
}

/** Serves files from localhost; closed after the file's tests. */
export async function serve(files: Record<string, Uint8Array>): Promise<{ baseUrl: string; asked: string[] }> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    asked.push(name);
    const bytes = files[name];
    if (bytes) response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    else response.writeHead(404).end('<html>nothing here</html>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  afterAll(() => void server.close());
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`, asked };
}
