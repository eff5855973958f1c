import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { DataError } from '../data-error.js';
import { concat } from '../formats/gunzip.js';
import { fileError } from './read-file.js';

/** No dataset here has a member near this; what is larger is not what its name says. */
const maxMemberBytes = 512 * 2 ** 20;

/**
 * The members of a .tar.gz whose base name is in `wanted`, as bytes. Nothing is written to disk, and memory follows what
 * really comes out, not the sizes the archive claims. Throws DataError when the archive is damaged or lacks a member.
 */
export async function readTarGz(file: string, wanted: readonly string[]): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  const archive = extract();
  const pumping = pipeline(createReadStream(file), createGunzip(), archive);
  // The loop below sees the same failure first; without this the other promise would go unhandled.
  pumping.catch(() => undefined);
  try {
    for await (const entry of archive) {
      const name = entry.header.name.split('/').at(-1) ?? '';
      if (!wanted.includes(name) || entry.header.type !== 'file') {
        entry.resume();
        continue;
      }
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of entry as AsyncIterable<Uint8Array>) {
        length += chunk.length;
        if (length > maxMemberBytes)
          throw new DataError(file, `its member ${name} is larger than any file of this dataset. Fetch it again.`);
        chunks.push(chunk);
      }
      found.set(name, concat(chunks));
    }
    await pumping;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    if ((cause as NodeJS.ErrnoException).syscall) throw fileError(file, cause, 'read');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataError(file, `cannot be unpacked (${reason}); it is truncated or damaged. Fetch it again.`, { cause });
  }
  const missing = wanted.filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw new DataError(file, `lacks ${missing.join(', ')}; it is truncated or not the binary version. Fetch it again.`);
  }
  return found;
}
