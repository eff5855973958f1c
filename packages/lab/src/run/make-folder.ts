import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { diskError, isMissing, RunError } from './run-error.js';

/**
 * Makes a folder and those above it that are missing, each of which outlives a power cut. Throws RunError. Node's own
 * `recursive` never comes back where a system says of a folder that is there that the new one's parent is missing (/proc).
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await makeOne(folder);
  } catch (cause) {
    const parent = path.dirname(folder);
    if (!isMissing(cause) || parent === folder) throw diskError(folder, cause);
    await makeFolder(parent);
    // Once more even where the parent was there by now: another process may have made it a moment ago.
    await makeOne(folder).catch((again: unknown) => {
      throw isMissing(again)
        ? new RunError(folder, 'cannot be made: this file system takes no new folders here.')
        : diskError(folder, again);
    });
  }
}

async function makeOne(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (cause) {
    // Systems differ in what they say of one that is there: that it is, or that nothing may be written.
    if (await isFolder(folder)) return;
    throw cause;
  }
  await syncFolder(path.dirname(folder));
}

async function isFolder(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory();
  } catch {
    return false;
  }
}

/** Makes what was renamed or made in a folder outlive a power cut. Some systems (Windows) cannot open folders; there it has to do without. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (!handle) return;
  try {
    await handle.sync();
  } catch (cause) {
    // Not every file system can; but a disk that fails or is full must be heard.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EISDIR', 'EBADF'].includes((cause as NodeJS.ErrnoException).code ?? ''))
      throw cause;
  } finally {
    await handle.close();
  }
}
