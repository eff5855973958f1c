import * as core from '@initlab/core';
import * as data from '@initlab/data';
import * as models from '@initlab/models';
import * as nn from '@initlab/nn';
import type { InitializeWeights, Module } from '@initlab/nn';
import { OwnCodeError } from './own-code-error.js';
import type { ChosenInit } from './chosen-init.js';

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

/**
 * The `initializeWeights` that the code exports. Its JavaScript is what `transpile` made. Throws OwnCodeError with the line where the
 * code fails, changes a shape, or leaves a number that is not finite: as `initlab train` does with such a file.
 */
export async function ownInitializer(js: string): Promise<ChosenInit> {
  // All on the first line, so that lines count as in the editor.
  const module = `export function run(exports, require) {${js}\n}`;
  const address = URL.createObjectURL(new Blob([module], { type: 'text/javascript' }));
  const exports: Record<string, unknown> = {};
  const fault = (cause: unknown): OwnCodeError => new OwnCodeError(cause, lineIn(address, cause));
  try {
    const { run } = (await import(address)) as { run: (exports: object, require: (name: string) => unknown) => void };
    run(exports, required);
  } catch (cause) {
    throw fault(cause);
  } finally {
    URL.revokeObjectURL(address);
  }
  const { initializeWeights } = exports;
  if (typeof initializeWeights !== 'function') {
    const found = Object.keys(exports).filter((name) => name !== '__esModule');
    throw new OwnCodeError(
      `it must export a function initializeWeights(model, { depth, generator }); it exports ${found.join(', ') || 'nothing'}`,
    );
  }
  const initialize: InitializeWeights = async (model, options) => {
    const shapes = new Map([...model.namedParameters()].map(([name, p]) => [name, p.shape.join(', ')]));
    try {
      await (initializeWeights as InitializeWeights)(model, options);
    } catch (cause) {
      throw fault(cause);
    }
    await checkLeft(model, shapes);
  };
  return { initialize, dataDependent: true };
}

/** Parameters may be added, but those of the model stay what they are, and all are finite. */
async function checkLeft(model: Module, shapes: ReadonlyMap<string, string>): Promise<void> {
  const now = new Map(model.namedParameters());
  for (const [name, shape] of shapes) {
    const found = now.get(name)?.shape.join(', ');
    if (found !== shape) throw new OwnCodeError(`it left ${name} ${found ? `of shape [${found}]` : 'missing'}; it must stay [${shape}]`);
  }
  // All at once: one after another they are many waits in a deep net.
  const read = await Promise.all([...now].map(async ([name, parameter]) => ({ name, parameter, values: await parameter.read() })));
  for (const { name, parameter, values } of read) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new OwnCodeError(`it left ${name} [${parameter.shape.join(', ')}] with ${values[bad]} at element ${bad}`);
  }
}

/** The first line of the person's code in an error's stack, as the browsers write it. */
function lineIn(address: string, error: unknown): number | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(`${address}:`);
  if (at < 0) return undefined;
  const line = Number.parseInt(stack.slice(at + address.length + 1), 10);
  return Number.isNaN(line) ? undefined : line;
}
