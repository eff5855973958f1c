import { type Generator, InitlabError, mul, noGrad, type Tensor } from '@initlab/core';
import { checkNumber, unknownName } from '@initlab/core/internal';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { settleScales, WeightNormConv2d, WeightNormLinear } from '../layers/weight-normed.js';
import { checkModule, type Module } from '../module/module.js';
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

/** By name, in order of registration; `registry.ts` puts in those of the library. */
export const storedInitializers = /* @__PURE__ */ new Map<string, InitializerEntry>();

/** Keeps a strategy, guarded: where it throws, the model's parameters are again what they were. `registerInitializer` checks before. */
export function storeInitializer(entry: InitializerEntry): void {
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
  storedInitializers.set(entry.name, { ...entry, initialize });
}

/** Is it a layer whose weight is g · v / ‖v‖? */
export const isWeightNormed = (layer: unknown): layer is WeightNormConv2d | WeightNormLinear =>
  layer instanceof WeightNormConv2d || layer instanceof WeightNormLinear;

/** The strategy of a name among those that are stored; throws with the nearest name when there is none. */
export function storedInitializer(name: string): InitializerEntry {
  const found = storedInitializers.get(name);
  if (!found) throw new InitlabError(unknownName('initialisation', name, [...storedInitializers.keys()]));
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
