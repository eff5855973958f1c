import { OutOfMemoryError } from '../checks/errors.js';
import { getOrMake } from '../get-or-make.js';
import { nodeHost } from './node.js';

/** A part of a GPU buffer that a binding covers. */
export interface BufferRegion {
  /** @internal */
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly size: number;
}

/**
 * Size-class pool. A buffer given back may be handed out at once: all work goes through one queue in order, so later
 * commands see earlier ones done (uploads flush what is pending first, see `CommandStream.write`).
 */
export class BufferPool {
  private readonly free = new Map<number, GPUBuffer[]>();
  private liveBytes = 0;
  private pooledBytes = 0;
  private peak = 0;

  /** Buffers that the driver refused after it had given them, with what to say of each. */
  private readonly bad = new Map<GPUBuffer, () => Error>();

  /** @internal */
  constructor(
    private readonly create: (size: number, label: string) => GPUBuffer,
    /** Bytes all buffers together may take; `Infinity` leaves it to the driver. */
    private readonly limit: number,
    private readonly maxBuffer: number,
    private readonly describeHolders: () => string,
    /** Submits what is encoded, which may use buffers that were given back. */
    private readonly submit: () => void,
  ) {}

  /** Bytes handed out, bytes kept for reuse, and the largest sum of both so far. */
  get usage(): { liveBytes: number; pooledBytes: number; peakBytes: number } {
    return { liveBytes: this.liveBytes, pooledBytes: this.pooledBytes, peakBytes: this.peak };
  }

  take(bytes: number, label: string): BufferRegion {
    const size = sizeClass(bytes);
    const list = this.free.get(size);
    let buffer = list?.pop();
    if (buffer) this.pooledBytes -= size;
    else {
      if (size > this.maxBuffer) throw this.outOfMemory(bytes, label, `the adapter's largest buffer is ${this.maxBuffer} bytes`);
      if (this.liveBytes + this.pooledBytes + size > this.limit) this.trim();
      if (this.liveBytes + size > this.limit) throw this.outOfMemory(bytes, label, `the limit is ${this.limit} bytes`);
      buffer = this.create(size, label);
    }
    this.liveBytes += size;
    this.peak = Math.max(this.peak, this.liveBytes + this.pooledBytes);
    return { buffer, offset: 0, size: bytes };
  }

  give(region: BufferRegion): void {
    const size = region.buffer.size;
    this.liveBytes -= size;
    this.pooledBytes += size;
    if (this.bad.delete(region.buffer)) {
      this.pooledBytes -= size;
      region.buffer.destroy();
      return;
    }
    getOrMake(this.free, size, () => []).push(region.buffer);
  }

  /**
   * The driver has no memory for a buffer that it gave: a browser says so some tasks later. It is not handed out again, and what
   * is lying about unused is given up for the next one.
   * @internal
   */
  refuse(buffer: GPUBuffer, why: () => Error): void {
    const unused = this.free.get(buffer.size)?.includes(buffer);
    if (!unused) this.bad.set(buffer, why);
    this.trim();
  }

  /**
   * Throws where the driver has refused this buffer.
   * @internal
   */
  check(buffer: GPUBuffer): void {
    const why = this.bad.size > 0 ? this.bad.get(buffer) : undefined;
    if (why) throw why();
  }

  /** Destroy every unused buffer. Buffers of submitted work stay valid until it is done (WebGPU's rule). */
  trim(): void {
    this.submit();
    for (const list of this.free.values()) for (const buffer of list) buffer.destroy();
    this.free.clear();
    this.pooledBytes = 0;
  }

  resetPeak(): void {
    this.peak = this.liveBytes + this.pooledBytes;
  }

  private outOfMemory(bytes: number, label: string, why: string): OutOfMemoryError {
    // What nobody refers to any more may do for the next try.
    nodeHost.collectSoon();
    return new OutOfMemoryError(
      `out of GPU memory: ${label} asked for ${bytes} bytes, ${this.liveBytes} are in use, ${why}. Largest holders:\n${this.describeHolders()}`,
    );
  }
}

/** Up to 4 KiB in powers of two from 256, then eight classes to each doubling: at most an eighth is wasted. */
function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const power = 2 ** Math.floor(Math.log2(bytes - 1));
  const step = Math.max(256, power / 8);
  return Math.ceil(bytes / step) * step;
}
