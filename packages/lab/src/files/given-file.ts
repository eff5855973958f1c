import { readFile } from 'node:fs/promises';
import { InitlabError } from '@initlab/core';
import { diskReason } from '../run/run-error.js';

/** A file the user named. What keeps it from being read is an InitlabError in words, with `name` (default: the file) before it. */
export async function readGivenFile(file: string, options: { name?: string } = {}): Promise<string> {
  return (await readGivenBytes(file, options)).toString('utf8');
}

/** The same for a file of bytes. */
export async function readGivenBytes(file: string, { name = file }: { name?: string } = {}): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read: ${diskReason(cause)}`;
    throw new InitlabError(`${name}: ${reason}`, { cause });
  }
}

/** The same for a file of JSON. */
export async function readGivenJson(file: string, { name = file }: { name?: string } = {}): Promise<unknown> {
  const text = await readGivenFile(file, { name });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InitlabError(`${name}: is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
