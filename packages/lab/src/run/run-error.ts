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

/** What the system refused, in words. Files written earlier are whole: each is written aside and renamed, or only appended to. */
export function diskError(file: string, cause: unknown): RunError {
  if (cause instanceof RunError) return cause;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  const kept = 'What was written before is intact; go on with --resume once there is room.';
  const remedies: Record<string, string> = {
    ENOSPC: `the disk is full. ${kept}`,
    EDQUOT: `the disk quota is used up. ${kept}`,
    EFBIG: `the file would be larger than allowed here. ${kept}`,
    EACCES: 'no permission. Choose another folder with --out.',
    EPERM: 'no permission. Choose another folder with --out.',
    EROFS: 'the file system is read-only. Choose another folder with --out.',
    ENOENT: 'it does not exist. Check the folder.',
    ENOTDIR: 'a part of its path is a file, not a folder. Choose another folder with --out.',
    EISDIR: 'it is a folder where a file was expected.',
    EIO: `the disk reports an error. ${kept}`,
  };
  const reason = (code && remedies[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  return new RunError(file, reason, { cause });
}
