import type { CodeFault } from './own-code.js';
import type { OwnCode, Settings, SideName, SideSettings } from './settings.js';

/** What the page tells its training worker. */
export type ToWorker =
  | { readonly type: 'build'; readonly race: number; readonly settings: Settings; readonly ownJs: OwnCode }
  | { readonly type: 'run'; readonly running: boolean }
  | { readonly type: 'step' }
  /** Answered by a `pong`, at once where the worker does not hang. */
  | { readonly type: 'ping' };

/** A layer of weights, as the latest look found it. */
export interface LayerLook {
  readonly name: string;
  readonly deviation: number;
  readonly gradientNorm: number | null;
  /** Share of dead channels; null where no ReLU follows. */
  readonly dead: number | null;
}

/** The first layer's weights: `count` pictures of `size` × `size`, summed over the input's channels, which are alike. */
export interface Filters {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array;
}

/** What was seen inside a net. */
export interface Look {
  /** Steps made before it. */
  readonly step: number;
  readonly layers: readonly LayerLook[];
  /** Mean magnitude of the norms' factors γ, in order of depth. */
  readonly gammas: readonly number[];
  readonly filters: Filters;
}

/** A net before its first step. */
export interface BuiltSide {
  readonly parameters: number;
  /** SHA-256 of the weights, see `weightsChecksum`. */
  readonly checksum: string;
}

export interface StepNumbers {
  readonly loss: number;
  /** Share of the batch's images. */
  readonly accuracy: number;
}

/** Why nothing runs: the device, the images, or a run's own setting. */
export interface Failure extends CodeFault {
  readonly of: 'device' | 'images' | SideName;
  /** The device went away: another may be had. */
  readonly lost?: boolean;
}

/** What the worker tells the page; `race` is that of the `build` it belongs to. */
export type FromWorker =
  | { readonly type: 'pong' }
  | { readonly type: 'opened'; readonly adapter: string; readonly software: boolean }
  | { readonly type: 'doing'; readonly race: number; readonly what: string }
  | { readonly type: 'built'; readonly race: number; readonly sides: Readonly<Record<SideName, BuiltSide>> }
  | { readonly type: 'step'; readonly race: number; readonly step: number; readonly sides: Readonly<Record<SideName, StepNumbers>> }
  | { readonly type: 'look'; readonly race: number; readonly side: SideName; readonly look: Look }
  | { readonly type: 'failed'; readonly race: number; readonly failure: Failure };

/** What the page has a scratch worker try: all that a side uses of a person's own code, on its net. */
export interface ToScratch {
  readonly settings: SideSettings;
  readonly seed: number;
  readonly batchSize: number;
  readonly js: OwnCode;
}

/** What a scratch worker answers; `running` when the person's code begins, and when what is not theirs does. */
export type FromScratch =
  | { readonly type: 'running'; readonly own: boolean }
  | { readonly type: 'passed' }
  | { readonly type: 'failed'; readonly fault: CodeFault };
