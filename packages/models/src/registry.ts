import { AllOrNothing, defaultGenerator, InitlabError, OpError, withDefaultGenerator } from '@initlab/core';
import { checkEntry, checkOptions, unknownName } from '@initlab/core/internal';
import type { Module } from '@initlab/nn';
import { checkChannels } from './check-width.js';
import { convNextEntry } from './convnext.js';
import { denseNetCifarEntry, denseNetImageNetEntry } from './densenet.js';
import { mlpEntry, plainCnnEntry } from './feed-forward.js';
import { fixupResNetEntry } from './fixup-resnet.js';
import { mobileNetV2Entry } from './mobilenet-v2.js';
import type { ModelEntry, ModelOptions } from './model-entry.js';
import { preActResNetEntry } from './preact-resnet.js';
import { resNetCifarEntry, stochasticDepthEntry } from './resnet-cifar.js';
import { resNetImageNetEntry } from './resnet-imagenet.js';
import { simpleCnnEntry } from './simple-cnn.js';
import { vggEntry } from './vgg.js';
import { plainResNetEntry, wideResNetEntry } from './wide-resnet.js';

/** The zoo; others come by `registerModel`. A list in place of calls as files load: a bundle without `createModel` has none of it. */
const entries: ModelEntry[] = [
  mlpEntry,
  plainCnnEntry,
  fixupResNetEntry,
  mobileNetV2Entry,
  resNetCifarEntry,
  stochasticDepthEntry,
  preActResNetEntry,
  resNetImageNetEntry,
  simpleCnnEntry,
  vggEntry,
  wideResNetEntry,
  plainResNetEntry,
  denseNetCifarEntry,
  denseNetImageNetEntry,
  convNextEntry,
];

/** Make a model (or a family of names) known to `createModel`. Inputs are [N, 3, S, S], with S the entry’s `imageSize`. Throws for a name that is taken. */
export function registerModel(entry: ModelEntry): void {
  checkEntry('registerModel', entry, 'create');
  if (entries.some(({ name }) => name === entry.name))
    throw new OpError('registerModel', `there is a model "${entry.name}" already; give yours another name`);
  entries.push(entry);
}
/** The registered models and families, in order of registration. */
export const listModels = (): readonly ModelEntry[] => entries;

/** The norm a model has where none is asked for: `batch`, or `none` for nets that were designed without. */
export const defaultNorm = (name: string): string => entryOf(name)?.norm ?? 'batch';

/** Height and width of the images that a model was designed for: 32, or 224 for `imagenet-…`. */
export const modelImageSize = (name: string): number => entryOf(name)?.imageSize ?? 32;

const entryOf = (name: string): ModelEntry | undefined =>
  entries.find(({ name: own, pattern }) => (pattern ? pattern.test(name) : own === name));

/** A model of the zoo by name: `createModel('resnet20', { numClasses: 100, norm: 'group' })`. */
export function createModel(name: string, options: ModelOptions = {}): Module {
  checkOptions('createModel', options, ['numClasses', 'norm', 'device', 'generator']);
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
