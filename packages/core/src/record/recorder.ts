import { checkBody } from '../checks/check-arguments.js';
import { OpError } from '../checks/errors.js';
import type { Device } from '../gpu/device.js';
import type { TensorSpec } from '../storage/spec.js';
import type { GraphValue, Storage } from '../storage/storage.js';
import type { WriteLog } from '../storage/write-log.js';

/** An op of a recorded step, as far as this room knows ops: `GraphNode` is what there is. */
export interface RecordedOp {
  /** The operands that are there, in the order of the op's slots. */
  readonly reads: readonly GraphValue[];
  /** Its results, likewise. */
  readonly makes: readonly GraphValue[];
}

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

/** Room on the device for numbers that the host writes before every replay. */
export interface HostSlot {
  readonly storage: Storage;
  write(data: Uint8Array): void;
}

/** Collects the ops of a function that is being compiled. */
export interface Recorder {
  add(node: RecordedOp): void;
  /** Run `hook` on the host before every replay, after those that were given before. */
  beforeReplay(hook: () => void): void;
  /** The function made a tensor of numbers, which are in the storage, or all of them `word`. */
  constant(value: GraphValue, word: number | undefined): void;
  /** Room for the numbers of one use: see `hostNumbers`. What the hooks of a replay write there is uploaded together. */
  hostSlot(device: Device, bytes: number, label: string): HostSlot;
  /** Run `hook` once when recording is over. */
  afterRecording(hook: () => void): void;
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

let active: Recorder | undefined;

/** The recorder of the function being compiled, if one is. */
export const currentRecorder = (): Recorder | undefined => active;

/** A replay is no op: inside a recording it would run once, and its results would be taken for numbers that never change. */
export function refuseInside(): void {
  if (active) throw new OpError('compile', 'a compiled step cannot be recorded inside another; call the inner one outside');
}

export function withRecorder<T>(recorder: Recorder, run: () => T): T {
  refuseInside();
  active = recorder;
  try {
    return run();
  } finally {
    active = undefined;
  }
}

/**
 * Run `update` now, or before every replay when a step is being recorded. For state of the host; numbers that a kernel reads
 * are `hostNumbers`, and those that host code reads too a `HostValue`.
 */
export function onEachStep(update: () => void): void {
  checkBody('onEachStep', update);
  if (active) active.beforeReplay(update);
  else update();
}

/**
 * Tells the step being recorded that host code reads a mode of `owner` (a module's `training`, a leaf's `requiresGrad`): the
 * recording then serves only while `read(owner)` gives what it gives now. Without `read`: the code sets the mode, or makes
 * the owner, so what it reads later is its own doing. The first call for an owner counts, so an owner has one mode.
 * Outside a recording nothing is done.
 */
export function guard<Owner extends object>(owner: Owner, read?: (owner: Owner) => unknown): void {
  active?.guard(owner, read as ModeReader | undefined);
}

/**
 * Tells the step being recorded that it makes state of the host, which is its own doing: as code that runs at every call does,
 * `begin` gives it its first content again. (What is made at the first call alone, and kept, is known by the second: see `compile`.)
 */
export function madeInside(owner: object, begin: () => void): void {
  active?.guard(owner, undefined);
  active?.madeInside(begin);
}

/**
 * Tells the step being recorded that host code sets a mode of `owner`, by `set`: replays set it, too, and the recording does not depend
 * on what it was.
 */
export function setsMode(owner: object, set: () => void): void {
  active?.guard(owner, undefined);
  active?.beforeReplay(set);
}

/** How often something changed that the recordings made before cannot have asked about. */
let changes = 0;

/** What a recording compares with what it was: it is of no use where it is another. */
export const recordingsMadeAfter = (): number => changes;

/**
 * Tells every compiled step to record anew before its next call: what it did not find while it recorded is there now, so that no `guard`
 * can tell (a hook of a module that had none).
 */
export function outdateRecordings(): void {
  changes++;
}
