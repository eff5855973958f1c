import type { Device, Generator } from '@initlab/core';
import type { Module, NormFactory } from '@initlab/nn';

/** Options of `createModel` and of the models' classes. */
export interface ModelOptions {
  /** Default 10; of nets for ImageNet 1000. */
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
  /** Height and width of the images it was designed for; default 32. */
  readonly imageSize?: number;
  /** The norm it has where none is asked for; default `batch`. */
  readonly norm?: string;
  /** Which names are its: of a family that has another norm or size than most. Default the name itself. */
  readonly pattern?: RegExp;
  /** The model of this name, or `undefined` when the name is another's. */
  create(name: string, options: ModelOptions): Module | undefined;
}
