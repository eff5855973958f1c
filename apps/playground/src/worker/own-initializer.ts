import type { InitializeWeights, Module } from '@initlab/nn';
import { OwnCodeError } from './own-code-error.js';
import { namesIn, ownModule } from './own-module.js';

/** A run's initialisation. */
export interface ChosenInitializer {
  readonly initialize: InitializeWeights;
  /** Needs a batch of images. */
  readonly dataDependent: boolean;
}

/**
 * The `initializeWeights` that the code exports. Its JavaScript is what `transpile` made. Throws OwnCodeError with the line where the
 * code fails, changes a shape, or leaves a number that is not finite: as `initlab train` does with such a file.
 */
export async function ownInitializer(js: string): Promise<ChosenInitializer> {
  const { exports, fault } = await ownModule(js, 'init');
  const { initializeWeights } = exports;
  if (typeof initializeWeights !== 'function')
    throw wrong(`it must export a function initializeWeights(model, { depth, generator }); it exports ${namesIn(exports)}`);
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

const wrong = (reason: string): OwnCodeError => new OwnCodeError(reason, 'init');

/** Parameters may be added, but those of the model stay what they are, and all are finite. */
async function checkLeft(model: Module, shapes: ReadonlyMap<string, string>): Promise<void> {
  const now = new Map(model.namedParameters());
  for (const [name, shape] of shapes) {
    const found = now.get(name)?.shape.join(', ');
    if (found !== shape) throw wrong(`it left ${name} ${found ? `of shape [${found}]` : 'missing'}; it must stay [${shape}]`);
  }
  // All at once: one after another they are many waits in a deep net.
  const read = await Promise.all([...now].map(async ([name, parameter]) => ({ name, parameter, values: await parameter.read() })));
  for (const { name, parameter, values } of read) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw wrong(`it left ${name} [${parameter.shape.join(', ')}] with ${values[bad]} at element ${bad}`);
  }
}
