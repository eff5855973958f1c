import { type Stats, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { DataError } from '../dataset/data-error.js';
import type { NamedBytes } from '../formats/from-files.js';

/**
 * Reads a whole file of at most `maxBytes`; a larger one is refused unread. Whatever the system refuses becomes a DataError
 * that names the file.
 */
export async function readBytes(file: string, { maxBytes }: { maxBytes: number }): Promise<NamedBytes> {
  const { size } = await regularFile(file);
  if (size > maxBytes) throw tooLarge(file, { size, maxBytes });
  const handle = await open(file).catch(refuse(file));
  try {
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await handle.read(bytes, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { file, bytes: bytes.subarray(0, length) };
  } catch (cause) {
    throw fileError(file, cause, 'read');
  } finally {
    await handle.close();
  }
}

/** Its size and times. A folder, or a pipe or device that could be read for ever, is a DataError. */
export async function regularFile(file: string): Promise<Stats> {
  const found = await stat(file).catch(refuse(file));
  if (found.isDirectory()) throw fileError(file, { code: 'EISDIR' }, 'read');
  if (!found.isFile()) throw new DataError(file, 'is a pipe or a device, not a file. Name the folder with the right files.');
  return found;
}

export const tooLarge = (file: string, { size, maxBytes }: { size: number; maxBytes: number }): DataError =>
  new DataError(file, `has ${size} bytes, more than the ${maxBytes} of any file of this name; it is another one. Fetch it again.`);

/** What lies under a path: something to read, a folder, or nothing that can be seen. */
export function kindAt(file: string): 'file' | 'folder' | undefined {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    return found && (found.isDirectory() ? 'folder' : 'file');
  } catch {
    return undefined;
  }
}

const refuse = (file: string) => (cause: unknown) => {
  throw fileError(file, cause, 'read');
};

/** A system error put in words: what could not be done to `file`, and the remedy. */
export function fileError(file: string, cause: unknown, action: 'read' | 'write'): DataError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const remedies: Record<string, string> = {
    ENOENT: 'it does not exist. Check the folder.',
    EACCES: `no permission to ${action} it. Change its permissions or choose another folder.`,
    EPERM: `no permission to ${action} it. Change its permissions or choose another folder.`,
    EISDIR: 'it is a folder where a file was expected.',
    ENOTDIR: 'it, or a part of its path, is a file, not a folder.',
    EROFS: 'the file system is read-only. Choose another folder with INITLAB_DATA or `dir`.',
    ENOSPC: 'the disk is full. Free some space, or choose another folder with INITLAB_DATA or `dir`.',
    EDQUOT: 'the disk quota is used up. Free some space, or choose another folder with INITLAB_DATA or `dir`.',
  };
  const reason = (code && remedies[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  return new DataError(file, `cannot ${action}: ${reason}`, { cause });
}
