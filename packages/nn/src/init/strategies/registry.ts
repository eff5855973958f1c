import { checkEntry, checkNumber, type Generator, InitlabError, mul, noGrad, OpError, type Tensor, unknownName } from '@initlab/core';
import { Conv2d } from '../../layers/conv2d.js';
import { Linear } from '../../layers/linear.js';
import { settleScales, WeightNormConv2d, WeightNormLinear } from '../../layers/weight-normed.js';
import { checkModule, type Module } from '../../module.js';
import { orPutBack } from './put-back.js';

/** What a strategy is told of the model it initialises. */
export interface InitializeOptions {
  /** Name of the architecture: `resnet56`. */
  readonly arch: string;
  readonly numClasses: number;
  /** Number of Conv2d and Linear layers. A registered strategy that is given none is told `modelDepth(model)`. */
  readonly depth: number;
  /** Default: the library's generator. */
  readonly generator?: Generator | undefined;
  /** One batch of training images, for data-dependent strategies. */
  readonly batch?: Tensor | undefined;
}

/** The plug-in under study: sets a model's parameters. */
export type InitializeWeights = (model: Module, options: InitializeOptions) => void | Promise<void>;

/** A strategy as `registerInitializer` takes it and `listInitializers` shows it. */
export interface InitializerEntry {
  readonly name: string;
  /** The formula, and which layers it touches. */
  readonly description: string;
  readonly source: string;
  /** Needs `batch`. */
  readonly dataDependent?: boolean;
  /** Sets the scales g of weight-normalised layers itself. Others draw the weight, and g becomes ‖v‖, so that it is what was
   * drawn; a channel of zeros keeps its direction under g = 0. */
  readonly setsScales?: boolean;
  /** Sets the model's parameters in place. */
  readonly initialize: InitializeWeights;
}

const entries = new Map<string, InitializerEntry>();

/**
 * Make a strategy known by name to `initlab` and the tables. Throws for a name that is taken. Where the strategy throws, the
 * model's parameters are again what they were.
 */
export function registerInitializer(entry: InitializerEntry): void {
  checkEntry('registerInitializer', entry, 'initialize');
  if (entries.has(entry.name))
    throw new OpError('registerInitializer', `there is an initialisation "${entry.name}" already; give yours another name`);
  const initialize: InitializeWeights = async (model, given) => {
    checkModule(entry.name, model);
    const layers = modelDepth(model);
    const options = { ...given, depth: given?.depth ?? layers };
    checkNumber(entry.name, { depth: options.depth }, { from: Math.min(1, layers), whole: true });
    if (entry.setsScales) return orPutBack(model, () => entry.initialize(model, options));
    const normed = weightLayers(model).filter(isWeightNormed);
    const former = normed.map(({ weightV }) => noGrad(() => mul(weightV, 1)));
    try {
      await orPutBack(model, () => entry.initialize(model, options));
      normed.forEach((layer, i) => {
        settleScales(layer, former[i] as Tensor);
      });
    } finally {
      for (const copy of former) copy.dispose();
    }
  };
  entries.set(entry.name, { ...entry, initialize });
}

/** Is it a layer whose weight is g · v / ‖v‖? */
export const isWeightNormed = (layer: unknown): layer is WeightNormConv2d | WeightNormLinear =>
  layer instanceof WeightNormConv2d || layer instanceof WeightNormLinear;

/** The registered strategies, in order of registration. */
export const listInitializers = (): readonly InitializerEntry[] => [...entries.values()];

/** The strategy registered under a name; throws with the nearest name when there is none. */
export function findInitializer(name: string): InitializerEntry {
  const found = entries.get(name);
  if (!found) throw new InitlabError(unknownName('initialisation', name, [...entries.keys()]));
  return found;
}

/** The model's convolutions and linear layers in order of construction, each once. */
export function weightLayers(model: Module): (Conv2d | Linear)[] {
  checkModule('weightLayers', model);
  return model.modules().filter((m): m is Conv2d | Linear => m instanceof Conv2d || m instanceof Linear);
}

/** Answers true for each object once: of layers with one weight (tied weights), the first draws it. */
export function firsts(): (x: object) => boolean {
  const met = new Set<object>();
  return (x) => !met.has(x) && met.add(x) !== undefined;
}

/** `weightLayers` without those whose weight an earlier one has. */
export function drawnLayers(model: Module): (Conv2d | Linear)[] {
  const isFirst = firsts();
  return weightLayers(model).filter(({ weight }) => isFirst(weight));
}

/** Number of Conv2d and Linear layers. */
export const modelDepth = (model: Module): number => weightLayers(model).length;
