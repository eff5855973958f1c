import type { Generator, Tensor } from '@initlab/core';
import { Conv2d } from '../../layers/conv2d.js';
import { Linear } from '../../layers/linear.js';
import { resetG, WeightNormConv2d, WeightNormLinear } from '../../layers/weight-normed.js';
import type { Module } from '../../module.js';

export interface InitializeOptions {
  /** Name of the architecture: `resnet56`. */
  readonly arch: string;
  readonly numClasses: number;
  /** Number of Conv2d and Linear layers. */
  readonly depth: number;
  /** Default: the library's generator. */
  readonly generator?: Generator | undefined;
  /** One batch of training images, for data-dependent strategies. */
  readonly batch?: Tensor | undefined;
}

/** The plug-in under study: sets a model's parameters. */
export type InitializeWeights = (model: Module, options: InitializeOptions) => void | Promise<void>;

export interface InitializerEntry {
  readonly name: string;
  /** The formula, and which layers it touches. */
  readonly description: string;
  readonly source: string;
  /** Needs `batch`. */
  readonly dataDependent?: boolean;
  /** Sets the scales g of weight-normalised layers itself. Others draw the weight, and g becomes ‖v‖, so that it is what was drawn. */
  readonly setsScales?: boolean;
  readonly initialize: InitializeWeights;
}

const entries = new Map<string, InitializerEntry>();

/** Make a strategy known by name to `initlab` and the tables. */
export function registerInitializer(entry: InitializerEntry): void {
  const initialize: InitializeWeights = async (model, options) => {
    await entry.initialize(model, options);
    if (!entry.setsScales) for (const layer of weightLayers(model)) if (isWeightNormed(layer)) resetG(layer);
  };
  entries.set(entry.name, { ...entry, initialize });
}

export const isWeightNormed = (layer: unknown): layer is WeightNormConv2d | WeightNormLinear =>
  layer instanceof WeightNormConv2d || layer instanceof WeightNormLinear;

export const listInitializers = (): readonly InitializerEntry[] => [...entries.values()];

export function findInitializer(name: string): InitializerEntry {
  const found = entries.get(name);
  if (!found) throw new Error(`there is no initialisation "${name}"; known are ${[...entries.keys()].join(', ')}`);
  return found;
}

/** The model's convolutions and linear layers in order of construction. */
export const weightLayers = (model: Module): (Conv2d | Linear)[] =>
  model.modules().filter((m): m is Conv2d | Linear => m instanceof Conv2d || m instanceof Linear);

/** Number of Conv2d and Linear layers. */
export const modelDepth = (model: Module): number => weightLayers(model).length;
