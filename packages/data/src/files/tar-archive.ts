import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import type { PublishedContent } from '../dataset/catalog.js';
import { DataError } from '../dataset/data-error.js';
import { isGzip } from '../formats/gunzip.js';
import { fileError, regularFile, tooLarge } from './read-file.js';

/** What was read of an archive. */
export interface ArchiveContents {
  /** Bytes of the members asked for, by their name without folders. */
  readonly members: ReadonlyMap<string, Uint8Array>;
  /** MD5 of the archive as it lies there. */
  readonly md5: string;
}

/**
 * The members `wanted` of a tar archive, gzip or not, whatever it is called. A member is found by its whole path; where
 * the folder has another name, the one folder that holds them all is taken. Nothing is written to disk. Memory is bounded
 * by the members' known sizes, and so is what is unpacked in all. Throws DataError when the archive is damaged, larger than
 * what it is named after, lacks a member or holds several copies.
 */
export async function readArchive(file: string, wanted: readonly PublishedContent[]): Promise<ArchiveContents> {
  const sizes = new Map(wanted.map((content) => [path.posix.basename(content.path), content.bytes]));
  const usual = path.posix.dirname(wanted[0]?.path ?? '.');
  const first = await scan(file, { sizes, folder: usual });
  const whole = [...first.folders].filter(([, names]) => names.size === sizes.size).map(([folder]) => folder);
  if (whole.includes(usual)) return first;
  const named = whole.filter((folder) => path.posix.basename(folder) === usual);
  const [folder, other] = named.length > 0 ? named : whole;
  if (folder === undefined) {
    const names = first.folders.get(usual) ?? [...first.folders.values()].sort((a, b) => b.size - a.size)[0];
    const missing = [...sizes.keys()].filter((name) => !names?.has(name));
    throw new DataError(file, `lacks ${missing.join(', ')}; it is truncated or not the binary version. Fetch it again.`);
  }
  if (other !== undefined)
    throw new DataError(file, `holds the dataset more than once, in ${whole.join(' and ')}. Unpack it and name the folder that is meant.`);
  return scan(file, { sizes, folder });
}

interface Scan extends ArchiveContents {
  /** Folders of the archive that hold members of these names, and which. */
  readonly folders: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Passes over the archive once and keeps the members of one folder. */
async function scan(file: string, { sizes, folder }: { sizes: ReadonlyMap<string, number>; folder: string }): Promise<Scan> {
  const { size } = await regularFile(file);
  const known = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  // Room for a second copy and whatever small files lie beside.
  const maxBytes = 2 * known + 64 * 2 ** 20;
  if (size > maxBytes) throw tooLarge(file, { size, maxBytes });
  const members = new Map<string, Uint8Array>();
  const folders = new Map<string, Set<string>>();
  const hash = createHash('md5');
  const archive = extract();
  const stages = [
    watch((chunk) => hash.update(chunk)),
    ...((await startsAsGzip(file)) ? [createGunzip()] : []),
    limit(
      maxBytes,
      () => new DataError(file, `unpacks to more than ${maxBytes} bytes; it is not the archive it is named after. Fetch it again.`),
    ),
  ];
  const pumping = pipeline([createReadStream(file), ...stages, archive]);
  // The loop below sees the same failure first; without this the other promise would go unhandled.
  pumping.catch(() => undefined);
  try {
    for await (const entry of archive) {
      const parts = entry.header.name.split('/').filter((part) => part !== '' && part !== '.');
      const name = parts.pop() ?? '';
      const inFolder = parts.join('/') || '.';
      // What points out of the archive is none of its members.
      const bytes = parts.includes('..') ? undefined : sizes.get(name);
      if (bytes === undefined || entry.header.type !== 'file') {
        entry.resume();
        continue;
      }
      folders.set(inFolder, (folders.get(inFolder) ?? new Set()).add(name));
      if (inFolder === folder) members.set(name, await readMember(entry, { file, name, maxBytes: bytes }));
      else entry.resume();
    }
    await pumping;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    if ((cause as NodeJS.ErrnoException).syscall) throw fileError(file, cause, 'read');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(file, `cannot be unpacked (${reason}); it is truncated, damaged or no tar archive. Fetch it again.`, { cause });
  }
  return { members, folders, md5: hash.digest('hex') };
}

async function readMember(
  entry: AsyncIterable<unknown> & { header: { size?: number | undefined } },
  { file, name, maxBytes }: { file: string; name: string; maxBytes: number },
): Promise<Uint8Array> {
  const size = entry.header.size ?? 0;
  if (size > maxBytes)
    throw new DataError(file, `its member ${name} claims ${size} bytes, the dataset's has ${maxBytes}; it is another one. Fetch it again.`);
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of entry as AsyncIterable<Uint8Array>) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

async function startsAsGzip(file: string): Promise<boolean> {
  try {
    const handle = await open(file);
    try {
      return isGzip((await handle.read(new Uint8Array(2), 0, 2, 0)).buffer);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw fileError(file, cause, 'read');
  }
}

const watch = (see: (chunk: Uint8Array) => void): Transform =>
  new Transform({
    transform(chunk: Uint8Array, _, done) {
      see(chunk);
      done(null, chunk);
    },
  });

/** Ends the stream with an error as soon as more than `maxBytes` have passed. */
function limit(maxBytes: number, error: () => Error): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      passed += chunk.length;
      if (passed > maxBytes) done(error());
      else done(null, chunk);
    },
  });
}
