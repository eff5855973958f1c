import { InitlabError } from '@initlab/core';

/** A run's folder that cannot be written, read or continued. The message names the file, what was found and the remedy. */
export class RunError extends InitlabError {
  override name = 'RunError';
  constructor(
    readonly file: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${message}`);
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

const kept = 'What was written before is intact; go on with --resume once there is room.';
const elsewhere = 'Choose another folder with --out, or --root for all runs of a table or sweep.';
const later = 'What was written before is intact; go on with --resume once it answers again.';
/** By the system's codes: what it means, and what to do where something was to be written. */
const words: Readonly<Record<string, readonly [reason: string, remedy?: string]>> = {
  ENOSPC: ['the disk is full', kept],
  EDQUOT: ['the disk quota is used up', kept],
  EFBIG: ['the file would be larger than allowed here', kept],
  EIO: ['the disk reports an error', kept],
  EACCES: ['no permission', elsewhere],
  EPERM: ['no permission', elsewhere],
  EROFS: ['the file system is read-only', elsewhere],
  ENOENT: ['it does not exist', 'Check the folder.'],
  ENOTDIR: ['a part of its path is a file, not a folder', elsewhere],
  EISDIR: ['it is a folder where a file was expected'],
  EEXIST: ['something of that name is there already', elsewhere],
  ENAMETOOLONG: ['its name is too long for this file system', elsewhere],
  ELOOP: ['symbolic links in its path lead nowhere', elsewhere],
  EMLINK: ['its folder takes no more entries', elsewhere],
  EMFILE: ['this process has as many files open as it may', 'Raise the limit (ulimit -n), or run fewer at once.'],
  ENFILE: ['the system has as many files open as it may', 'Close other programs.'],
  ESTALE: ['the file server has lost track of it', later],
  ETIMEDOUT: ['the file server does not answer', later],
  EHOSTDOWN: ['the file server does not answer', later],
  ENODEV: ['its disk is gone', later],
  ENXIO: ['its disk is gone', later],
  ENOTCONN: ['its disk is not connected', later],
  EBUSY: ['another program is using it'],
  ETXTBSY: ['another program is using it'],
  ENOMEM: ['the system has no memory left for it'],
};

/** What the system refused, in words: `no permission`. */
export function diskReason(cause: unknown): string {
  const known = words[(cause as NodeJS.ErrnoException | undefined)?.code ?? ''];
  return known?.[0] ?? (cause instanceof Error ? cause.message : String(cause));
}

/** What the system refused, and what to do. With `reading`, of a file that was only to be read. */
export function diskError(file: string, cause: unknown, { reading = false }: { readonly reading?: boolean } = {}): RunError {
  if (cause instanceof RunError) return cause;
  const reason = diskReason(cause);
  const remedy = words[(cause as NodeJS.ErrnoException | undefined)?.code ?? '']?.[1];
  const full = reading ? `it cannot be read: ${reason}.` : remedy ? `${reason}. ${remedy}` : reason;
  return new RunError(file, full, { cause });
}

/** Whether nothing is there: no permission to look, or a broken disk, is another matter. */
export const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';

/** Another process has the folder now. */
export class InUseError extends RunError {
  override name = 'InUseError';
}
