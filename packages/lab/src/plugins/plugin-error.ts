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

/** The plug-in's own line nearest to where `error` was thrown; stacks are in terms of the source (`setSourceMapsEnabled`). */
export function whereThrown(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const name = path.basename(file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const line = new RegExp(`[/\\\\(]${name}:(\\d+)`).exec(stack)?.[1];
  return line === undefined ? showFile(file) : `${showFile(file)}:${line}`;
}

/** The line of the source that first matches, for faults that are found only after the plug-in's code returned. */
export function whereWritten(file: string, pattern: RegExp): string {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((text) => pattern.test(text));
  return line < 0 ? showFile(file) : `${showFile(file)}:${line + 1}`;
}

/** Relative where that is shorter to read. */
export function showFile(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}
