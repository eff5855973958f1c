import {
  InitlabError,
  AllOrNothing,
  checkEntry,
  checkOptions,
  defaultGenerator,
  type Device,
  type Generator,
  OpError,
  unknownName,
  withDefaultGenerator,
} from '@initlab/core';
import type { Module, NormFactory } from '@initlab/nn';
import { checkChannels } from './check-width.js';

/** Options of `createModel` and of the models' classes. */
export interface ModelOptions {
  /** Default 10. */
  readonly numClasses?: number | undefined;
  /** Name of a registered norm or a factory; default: the model's own (`defaultNorm`). Every model takes every norm. */
  readonly norm?: string | NormFactory | undefined;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** Draws the layers' default initialisation. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

/** A model, or a family of them, as `registerModel` takes it and `listModels` shows it. */
export interface ModelEntry {
  /** Name, or a pattern of names such as `wrn<depth>-<width>`. */
  readonly name: string;
  readonly description: string;
  /** The paper. */
  readonly source: string;
  /** Names the tables and tests walk through; default the name itself. */
  readonly examples?: readonly string[];
  /** The norm it has where none is asked for; default `batch`. A family that has another says by `pattern` which names are its. */
  readonly norm?: string;
  readonly pattern?: RegExp;
  /** The model of this name, or `undefined` when the name is another's. */
  create(name: string, options: ModelOptions): Module | undefined;
}

const entries: ModelEntry[] = [];

/** Make a model (or a family of names) known to `createModel`. Inputs are [N, 3, 32, 32] unless the entry says otherwise. Throws for a name that is taken. */
export function registerModel(entry: ModelEntry): void {
  checkEntry('registerModel', entry, 'create');
  if (entries.some(({ name }) => name === entry.name))
    throw new OpError('registerModel', `there is a model "${entry.name}" already; give yours another name`);
  entries.push(entry);
}
/** The registered models and families, in order of registration. */
export const listModels = (): readonly ModelEntry[] => entries;

/** The norm a model has where none is asked for: `batch`, or `none` for nets that were designed without. */
export const defaultNorm = (name: string): string =>
  entries.find(({ name: own, pattern }) => (pattern ? pattern.test(name) : own === name))?.norm ?? 'batch';

/** A model of the zoo by name: `createModel('resnet20', { numClasses: 100, norm: 'group' })`. */
export function createModel(name: string, options: ModelOptions = {}): Module {
  checkOptions<ModelOptions>('createModel', options, ['numClasses', 'norm', 'device', 'generator']);
  if (options.numClasses !== undefined) checkChannels('createModel', { numClasses: options.numClasses });
  // What a model of little memory has made of its layers goes back with the refusal.
  using whole = new AllOrNothing();
  // Layers that are made without it, such as a norm with noise of its own, draw from the model's generator too.
  const made = withDefaultGenerator(options.generator ?? defaultGenerator(), () => {
    for (const entry of entries) {
      const model = entry.create(name, options);
      if (model) return model;
    }
    return undefined;
  });
  if (made) return whole.done(made);
  throw new InitlabError(
    unknownName(
      'model',
      name,
      entries.flatMap((e) => e.examples ?? [e.name]),
    ),
  );
}
