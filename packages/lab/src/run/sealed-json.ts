import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { type ReplaceFileOptions, replaceFile } from './replace-file.js';
import { diskError, isMissing, RunError } from './run-error.js';
import { blankSeal, checkSeal, seal } from './seal.js';

/** Settings or results as they stand in a file. */
export type JsonObject = { readonly [key: string]: unknown };
const jsonObject = z.record(z.string(), z.unknown());

/** Of the files of a run; another number means that they are to be read otherwise. */
export const runFormat = 2;

/** A JSON file that nothing has changed since it was written. */
export interface SealedJson {
  readonly value: JsonObject;
  /** Of the whole file; no two contents have the same. */
  readonly digest: string;
}

/** Writes an object with `format` before it and its seal after it; answers the digest. Throws RunError. */
export async function writeSealed(file: string, value: JsonObject, options: ReplaceFileOptions = {}): Promise<string> {
  const bytes = new TextEncoder().encode(`${JSON.stringify({ format: runFormat, ...value, seal: blankSeal }, null, 2)}\n`);
  const digest = seal(bytes);
  await replaceFile(file, bytes, options);
  return digest;
}

/** The object, without format and seal; undefined where there is no file. Throws RunError where it was changed or is of another format. */
export async function readSealed(file: string): Promise<SealedJson | undefined> {
  const bytes = await readIfThere(file);
  if (!bytes) return undefined;
  let parsed: JsonObject;
  try {
    parsed = jsonObject.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new RunError(file, 'is not a JSON object; it was changed by something else.', { cause });
  }
  const { format, seal: _, ...value } = parsed;
  if (parsed.seal === undefined)
    throw new RunError(
      file,
      'has no seal: an older initlab wrote it, or it was made by hand. Its settings may be given to a new run with --config.',
    );
  const digest = checkSeal(bytes);
  if (digest === undefined)
    throw new RunError(file, 'was changed since it was written: its seal does not fit. Restore it, or start a new run.');
  if (format !== runFormat)
    throw new RunError(file, `is of format ${String(format)}; this initlab reads ${runFormat}. Use the version that wrote it.`);
  return { value, digest };
}

/** A file that cannot be read is an error; one that is not there is none. */
export async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw diskError(file, cause, { reading: true });
  }
}
