import type { BufferRegion } from './gpu/buffer-pool.js';
import type { Device } from './gpu/device.js';

/**
 * The bytes behind one or more tensors: a region of a GPU buffer, or, while a step is being recorded, a value that
 * gets its buffer when the graph's memory is planned. Shared by reference count; the last release returns the buffer.
 */
export class Storage {
  private references = 1;
  /** Where the bytes are; absent while virtual, and after the last release. */
  region: BufferRegion | undefined;
  /** Set on values of a graph being recorded. */
  readonly virtual: boolean;

  private constructor(
    readonly device: Device,
    readonly bytes: number,
    /** Name of the op or call that made it; leak reports and out-of-memory errors show it. */
    readonly label: string,
    region: BufferRegion | undefined,
    private readonly parent: Storage | undefined,
  ) {
    this.region = region;
    this.virtual = region === undefined;
  }

  /** Allocate from the device's pool. Throws `OutOfMemoryError`. */
  static allocate(device: Device, bytes: number, label: string): Storage {
    const storage = new Storage(device, bytes, label, device.pool.take(bytes, label), undefined);
    device.holders.add(storage);
    return storage;
  }

  /** A value of a recorded graph: no bytes yet. */
  static virtual(device: Device, bytes: number, label: string): Storage {
    return new Storage(device, bytes, label, undefined, undefined);
  }

  /** A part of this storage; keeps it alive. `offset` is a multiple of 256 bytes (binding alignment everywhere). */
  slice(offset: number, bytes: number, label: string): Storage {
    const own = this.region;
    if (!own) throw new Error('Storage.slice: no bytes yet');
    this.retain();
    return new Storage(this.device, bytes, label, { buffer: own.buffer, offset: own.offset + offset, size: bytes }, this);
  }

  /** The storage that this one is a part of, or itself. */
  get whole(): Storage {
    return this.parent?.whole ?? this;
  }

  get alive(): boolean {
    return this.references > 0;
  }

  retain(): this {
    if (this.references <= 0) throw new Error(`Storage ${this.label}: retained after release`);
    this.references++;
    return this;
  }

  release(): void {
    if (--this.references !== 0) return;
    if (this.parent) this.parent.release();
    else if (this.region) {
      this.device.holders.delete(this);
      this.device.pool.give(this.region);
    }
    this.region = undefined;
  }
}
