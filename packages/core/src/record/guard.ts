import type { TensorSpec } from '../storage/spec.js';
import type { Storage } from '../storage/storage.js';
import type { WriteLog } from '../storage/write-log.js';

/** A mode that host code branches on, as far as recordings know it. */
export type ModeReader = (owner: object) => unknown;

/** A gradient, as far as its leaf knows it. */
export interface HeldGrad {
  readonly storage: Storage;
  readonly spec: TensorSpec;
  /** History of its own (`createGraph`). */
  readonly link: unknown;
  dispose(): void;
}

/** Where a leaf's gradient is kept, as recordings see it: see `LeafGrad`. */
export interface GradPlace<T extends HeldGrad> {
  current: T | undefined;
  leave(value: T | undefined, ends: boolean): void;
}

/** A recording, as far as Tensor knows it. */
export interface ModeListener {
  /** Do `hook` before every replay. */
  beforeReplay(hook: () => void): void;
  /** See `madeInside`. */
  madeInside(begin: () => void): void;
  /** See `guard`. */
  guard(owner: object, read: ModeReader | undefined): void;
  /** Host code reads the gradient that a leaf holds: what stands for it in the recording. */
  readsGrad<T extends HeldGrad>(leaf: GradPlace<T>, kept: T): T;
  /**
   * Host code is about to give a leaf another gradient, or none: replays leave it so, too, and the former
   * one is disposed of where that `ends`. Returns what the leaf held before the recording.
   */
  changesGrad<T extends HeldGrad>(leaf: GradPlace<T>, ends: boolean): T | undefined;
  /** The step reads a tensor where its bytes lie now. */
  reads(x: { readonly storage: Storage }): void;
  /** Host code asks for gradients of what was computed. */
  differentiates(): void;
  /** Memory was taken while recording: what lies there is the function's own. */
  allocated(storage: Storage): void;
  /** What the recorded step writes to a buffer that exists. */
  writesOf(whole: Storage): WriteLog;
  /** The step reads what a forward before it saved at a time; `check` throws where that has changed, at every call. */
  readsSaved(at: number, check: () => void): void;
  /** Record that a tensor is set to `data` at this place; false where that is to be done at once. Throws where it cannot be right. */
  set(x: { readonly storage: Storage; readonly spec: TensorSpec }, data: ArrayLike<number>): boolean;
}

/** The recording's ear; empty otherwise. Kept apart from the recorder, so that Tensor can tell it. */
let listener: ModeListener | undefined;

export function listenToModes(next: typeof listener): void {
  listener = next;
}

/** The recording, if there is one. */
export const recording = (): ModeListener | undefined => listener;

/**
 * Tells the step being recorded that host code reads a mode of `owner` (a module's `training`, a leaf's `requiresGrad`): the
 * recording then serves only while `read(owner)` gives what it gives now. Without `read`: the code sets the mode, or makes
 * the owner, so what it reads later is its own doing. The first call for an owner counts, so an owner has one mode.
 * Outside a recording nothing is done.
 */
export function guard<Owner extends object>(owner: Owner, read?: (owner: Owner) => unknown): void {
  listener?.guard(owner, read as ModeReader | undefined);
}

/**
 * Tells the step being recorded that it makes state of the host, which is its own doing: as code that runs at every call does,
 * `begin` gives it its first content again. (What is made at the first call alone, and kept, is known by the second: see `compile`.)
 */
export function madeInside(owner: object, begin: () => void): void {
  listener?.guard(owner, undefined);
  listener?.madeInside(begin);
}

/**
 * Tells the step being recorded that host code sets a mode of `owner`, by `set`: replays set it, too, and the recording does not depend
 * on what it was.
 */
export function setsMode(owner: object, set: () => void): void {
  listener?.guard(owner, undefined);
  listener?.beforeReplay(set);
}
