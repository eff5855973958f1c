import * as core from '@initlab/core';
import * as data from '@initlab/data';
import * as models from '@initlab/models';
import * as nn from '@initlab/nn';
import type { CodeKind } from '../settings.js';
import { OwnCodeError } from './own-code-error.js';

/** What a person's code may import: the very modules that train, so that classes and device are shared. */
const packages: Readonly<Record<string, unknown>> = {
  '@initlab/core': core,
  '@initlab/nn': nn,
  '@initlab/models': models,
  '@initlab/data': data,
};

function required(name: string): unknown {
  const found = packages[name];
  if (!found) throw new Error(`there is no “${name}” to import here; there are ${Object.keys(packages).join(', ')}`);
  return found;
}

/** A person's code that was run. */
export interface OwnModule {
  readonly exports: Readonly<Record<string, unknown>>;
  /** What its functions threw, with the line of the code where it was. */
  readonly fault: (cause: unknown) => OwnCodeError;
}

/** Runs the JavaScript that `transpile` made. Throws OwnCodeError with the line where it fails. */
export async function ownModule(js: string, kind: CodeKind): Promise<OwnModule> {
  // All on the first line, so that lines count as in the editor.
  const module = `export function run(exports, require) {${js}\n}`;
  const address = URL.createObjectURL(new Blob([module], { type: 'text/javascript' }));
  const exports: Record<string, unknown> = {};
  const fault = (cause: unknown): OwnCodeError =>
    cause instanceof OwnCodeError ? cause : new OwnCodeError(cause, kind, lineIn(address, cause));
  try {
    const { run } = (await import(address)) as { run: (exports: object, require: (name: string) => unknown) => void };
    run(exports, required);
  } catch (cause) {
    throw fault(cause);
  } finally {
    URL.revokeObjectURL(address);
  }
  return { exports, fault };
}

/** Names that a module exports, in words. */
export const namesIn = (exports: OwnModule['exports']): string =>
  Object.keys(exports)
    .filter((name) => name !== '__esModule')
    .join(', ') || 'nothing';

/** The first line of the person's code in an error's stack, as the browsers write it. */
function lineIn(address: string, error: unknown): number | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(`${address}:`);
  if (at < 0) return undefined;
  const line = Number.parseInt(stack.slice(at + address.length + 1), 10);
  return Number.isNaN(line) ? undefined : line;
}
