import { readFile } from 'node:fs/promises';
import { InitlabError } from '@initlab/core';

/** A file the user named. What keeps it from being read is an InitlabError in words, with `name` (default: the file) before it. */
export async function readGivenFile(file: string, { name = file }: { name?: string } = {}): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read: ${String(cause)}`;
    throw new InitlabError(`${name}: ${reason}`);
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
