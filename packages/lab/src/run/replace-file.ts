import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from './make-folder.js';
import { diskError } from './run-error.js';

export interface ReplaceFileOptions {
  /** Other processes may write the file at the same time: the one that ends last has it. Default false: a lock keeps them off. */
  readonly shared?: boolean;
}

/**
 * Writes a file so that at every moment its old or its new content is there whole: written aside, synced, renamed, and the
 * folder synced. The aside name is fixed, so that a killed process leaves at most one such file, which the next write uses;
 * where the file is `shared`, each writer has its own.
 * Throws RunError when the disk is full or refuses; the old content stays.
 */
export async function replaceFile(
  file: string,
  content: string | Uint8Array | readonly Uint8Array[],
  { shared = false }: ReplaceFileOptions = {},
): Promise<void> {
  const aside = path.join(path.dirname(file), `.${path.basename(file)}${shared ? `.${randomUUID()}` : ''}.part`);
  try {
    const handle = await open(aside, 'w');
    try {
      const parts = typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, file);
    await syncFolder(path.dirname(file));
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw diskError(file, cause);
  }
}
