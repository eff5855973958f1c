import { checkBody } from '../checks/check-body.js';
import { OpError } from '../checks/errors.js';
import type { Device } from '../gpu/device.js';
import type { Storage } from '../storage/storage.js';
import type { GraphValue, RecordedOp } from './graph-value.js';
import { listenToModes, type ModeListener } from './guard.js';

/** Room on the device for numbers that the host writes before every replay. */
export interface HostSlot {
  readonly storage: Storage;
  write(data: Uint8Array): void;
}

/** Collects the ops of a function that is being compiled. */
export interface Recorder extends ModeListener {
  add(node: RecordedOp): void;
  /** Run `hook` on the host before every replay, after those that were given before. */
  beforeReplay(hook: () => void): void;
  /** The function made a tensor of numbers, which are in the storage, or all of them `word`. */
  constant(value: GraphValue, word: number | undefined): void;
  /** Room for the numbers of one use: see `hostNumbers`. What the hooks of a replay write there is uploaded together. */
  hostSlot(device: Device, bytes: number, label: string): HostSlot;
  /** Run `hook` once when recording is over. */
  afterRecording(hook: () => void): void;
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
  listenToModes(recorder);
  try {
    return run();
  } finally {
    active = undefined;
    listenToModes(undefined);
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
