import { readFile } from 'node:fs/promises';
import { DataError } from '../data-error.js';
import type { NamedBytes } from '../from-files.js';

/** Reads a whole file; whatever the system refuses becomes a DataError that names it. */
export async function readBytes(file: string): Promise<NamedBytes> {
  try {
    return { file, bytes: await readFile(file) };
  } catch (cause) {
    throw fileError(file, cause, 'read');
  }
}

/** A system error put in words: what could not be done to `file`, and the remedy. */
export function fileError(file: string, cause: unknown, action: 'read' | 'write'): DataError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const remedies: Record<string, string> = {
    ENOENT: 'it does not exist. Check the folder.',
    EACCES: `no permission to ${action} it. Change its permissions or choose another folder.`,
    EPERM: `no permission to ${action} it. Change its permissions or choose another folder.`,
    EISDIR: 'it is a folder where a file was expected.',
    ENOTDIR: 'a part of its path is a file, not a folder.',
    EROFS: 'the file system is read-only. Choose another folder with INITLAB_DATA or `dir`.',
    ENOSPC: 'the disk is full. Free some space, or choose another folder with INITLAB_DATA or `dir`.',
    EDQUOT: 'the disk quota is used up. Free some space, or choose another folder with INITLAB_DATA or `dir`.',
  };
  const reason = (code && remedies[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  return new DataError(file, `cannot ${action}: ${reason}`, { cause });
}
