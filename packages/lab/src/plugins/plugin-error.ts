import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InitlabError } from '@initlab/core';

/** A user's initialisation or norm that cannot be loaded, throws, or gives what cannot be used. Names its file and line. */
export class PluginError extends InitlabError {
  override name = 'PluginError';
  constructor(
    /** `my-norm.ts:12`, or the file alone where no line is known. */
    readonly where: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${where}: ${message}`);
    if (options?.cause !== undefined) this.cause = options.cause;
  }
}

/**
 * The user's own line nearest to where `error` was thrown, in whichever of the plug-in's files it stands; stacks are in terms
 * of the source (`setSourceMapsEnabled`). `fallback` is for what has no stack, such as a thrown string.
 */
export function whereThrown(error: unknown, files: readonly string[], fallback = showFile(files[0] ?? '')): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const [, place = '', line] of stack.matchAll(/(?:\(|at |file:\/\/)([^()\n]*?):(\d+)(?::\d+)?\)?$/gm)) {
    const file = files.find((own) => place === own || place.endsWith(own));
    if (file) return `${showFile(file)}:${line}`;
  }
  return fallback;
}

/** A line of one of the files: the first that matches `pattern` at or after one that matches `after`. */
export function whereWritten(files: readonly string[], pattern: RegExp, after = /^/): string {
  for (const file of files) {
    const lines = readFileSync(file, 'utf8').split('\n');
    const start = lines.findIndex((text) => after.test(text));
    const found = start < 0 ? -1 : lines.findIndex((text, i) => i >= start && pattern.test(text));
    if (found >= 0) return `${showFile(file)}:${found + 1}`;
  }
  return showFile(files[0] ?? '');
}

/** Relative where that is shorter to read. */
export function showFile(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
