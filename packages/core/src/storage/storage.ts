import type { BufferRegion } from '../gpu/buffer-pool.js';
import type { Device } from '../gpu/device.js';
import { giveBack, type Holder, hold } from '../gpu/holders.js';
import { inScope, noteAllocation } from './scope.js';
import type { TensorSpec } from './spec.js';
import type { WriteLog } from './write-log.js';

/**
 * The bytes behind one or more tensors: a region of a GPU buffer, or, while a step is being recorded, a value that
 * gets its buffer when the graph's memory is planned. Shared by reference count; the last release returns the buffer.
 */
export class Storage {
  private references = 1;
  /** Where the bytes are; absent while virtual, and after the last release. */
  region: BufferRegion | undefined;
  /** Set on values of a graph being recorded. */
  virtual: boolean;
  /** Set on what a compiled step returned: whether a later call has overwritten it. */
  result: 'latest' | 'overwritten' | undefined;
  private holder: Holder | undefined;

  private constructor(
    readonly device: Device,
    readonly bytes: number,
    /** Name of the op or call that made it; leak reports and out-of-memory errors show it. */
    readonly label: string,
    region: BufferRegion | undefined,
    private parent: Storage | undefined,
  ) {
    this.region = region;
    this.virtual = region === undefined;
  }

  /** Allocate from the device's pool. Throws `OutOfMemoryError`. */
  static allocate(device: Device, bytes: number, label: string): Storage {
    const region = device.pool.take(bytes, label);
    const storage = new Storage(device, bytes, label, region, undefined);
    storage.holder = hold(storage, { bytes, label, loose: !inScope(), region, quiet: false, home: device });
    noteAllocation(storage);
    return storage;
  }

  /** A value of a recorded graph: no bytes yet. */
  static virtual(device: Device, bytes: number, label: string): Storage {
    return new Storage(device, bytes, label, undefined, undefined);
  }

  /** Where its bytes are, of one that has some: of what was allocated and is held. */
  get place(): BufferRegion {
    if (!this.region) throw new Error(`Storage ${this.label}: has no bytes`);
    return this.region;
  }

  /** A part of this storage; keeps it alive. `offset` is a multiple of 256 bytes (binding alignment everywhere). */
  slice(offset: number, bytes: number, label: string): Storage {
    const { buffer, offset: start } = this.place;
    this.retain();
    return new Storage(this.device, bytes, label, { buffer, offset: start + offset, size: bytes }, this);
  }

  /** The storage that this one is a part of, or itself. */
  get whole(): Storage {
    return this.parent?.whole ?? this;
  }

  /** Its bytes within `whole`. */
  get span(): { readonly from: number; readonly to: number } {
    const from = (this.region?.offset ?? 0) - (this.whole.region?.offset ?? 0);
    return { from, to: from + this.bytes };
  }

  /** When its parts were written in place: see `writes.ts`. Absent until then; that of `whole` counts. */
  writes: WriteLog | undefined;

  /** Does anybody but the asker hold it? */
  get shared(): boolean {
    return this.references > 1;
  }

  get alive(): boolean {
    return this.references > 0;
  }

  /** These bytes as the result of one call of a compiled step. */
  asResult(): Storage {
    const made = this.slice(0, this.bytes, this.label);
    made.result = 'latest';
    return made;
  }

  /** A value of a recorded graph that outlives it has bytes from here on: those of `own`. */
  settle(own: Storage): void {
    if (!this.virtual || !this.alive) return;
    this.region = own.region;
    this.parent = own.retain();
    this.virtual = false;
  }

  /** A later call is about to overwrite this result: its handles are errors to use from here on. */
  overwrite(): void {
    if (!this.alive) return;
    this.result = 'overwritten';
    this.giveBack();
  }

  /** Say nothing when this is dropped: it is not the user's to dispose of. */
  dropQuietly(): this {
    if (this.holder) this.holder.quiet = true;
    return this;
  }

  retain(): this {
    if (this.references <= 0) throw new Error(`Storage ${this.label}: retained after release`);
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references === 0) this.giveBack();
  }

  /** Give the bytes back, whatever refers to them: those of a call that was refused. */
  abandon(): void {
    this.references = 0;
    this.giveBack();
  }

  private giveBack(): void {
    if (!this.region) return;
    this.region = undefined;
    if (this.parent) this.parent.release();
    else if (this.holder) giveBack(this.holder);
  }
}

/** Whether two storages have bytes in common: all of each, some, or none. */
export function sharedBytes(a: Storage, b: Storage): 'all' | 'some' | 'none' {
  if (a === b) return 'all';
  if (a.whole !== b.whole) return 'none';
  const [one, other] = [a.span, b.span];
  if (one.from >= other.to || other.from >= one.to) return 'none';
  return one.from === other.from && one.to === other.to ? 'all' : 'some';
}

/** A tensor as a recorded step sees it. */
export interface GraphValue {
  readonly storage: Storage;
  readonly spec: TensorSpec;
}
