import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import type { PublishedFile } from '../dataset/catalog.js';
import { DataError } from '../dataset/data-error.js';
import { fileError, regularFile } from './read-file.js';

/** MD5 in hexadecimal, as publishers give it. */
export const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** The same of a file that may be large. */
export async function md5OfFile(file: string): Promise<string> {
  await regularFile(file);
  const hash = createHash('md5');
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  } catch (cause) {
    throw fileError(file, cause, 'read');
  }
  return hash.digest('hex');
}

/** Checksums of a file that was read, computed when asked for. */
export interface Digests {
  /** Of the file as it lies there. */
  readonly packed: () => string;
  /** Of what it unpacks to, where that is one file. */
  readonly unpacked?: () => string;
}

/** How what is found is held against what was published, and what was wrong with it. */
export class Checks {
  /** Why what was looked at could not be used, in the order it was found. */
  readonly faults: DataError[] = [];
  /** Checksums that a mirror gives for its files, by name; they take the published ones' place. */
  private readonly md5: Readonly<Record<string, string>>;
  /** With the download allowed, a file with another checksum is refused, to be fetched again; else it is only told. */
  private readonly insist: boolean;

  constructor({ insist, md5 = {} }: { insist: boolean; md5?: Readonly<Record<string, string>> | undefined }) {
    this.insist = insist;
    this.md5 = md5;
  }

  /** MD5 a published file has to have. */
  expected({ name, md5 }: PublishedFile): string {
    return (this.md5[name] ?? md5).toLowerCase();
  }

  /**
   * Whether a file that was read is the published one, by its checksum; true where none is known for its form (unpacked,
   * packed otherwise). Throws DataError for another one when that is to be fetched again.
   */
  holds(file: string, published: PublishedFile, digests: Digests): boolean {
    const [content, further] = published.contents;
    const known = this.md5[published.name] === undefined && !further ? content?.md5 : undefined;
    const [found, wanted] =
      known && digests.unpacked
        ? [digests.unpacked(), known]
        : path.basename(file) === published.name
          ? [digests.packed(), this.expected(published)]
          : ['', ''];
    if (found === wanted) return true;
    if (!this.insist) return false;
    throw new DataError(file, `has MD5 ${found}, its publisher's has ${wanted}; it is damaged or another one. Fetch it again.`);
  }

  /** What `read` gives; undefined when it finds a fault in a file, which is kept. */
  async attempt<T>(read: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.faults.push(error);
      return undefined;
    }
  }
}
