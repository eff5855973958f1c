import { InitlabError } from '@initlab/core';

/** A data file that is missing, truncated or not what its name says. The message names the file, what was found and the remedy. */
export class DataError extends InitlabError {
  override name = 'DataError';
  constructor(
    /** File (or address) the complaint is about. */
    readonly file: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${message}`);
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}
