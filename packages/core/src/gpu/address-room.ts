import type { AddressRoom } from './no-node.js';

/** Left for what else the process maps: compiled kernels, the JavaScript heap, threads. */
const reserve = 256 * 2 ** 20;

type Files = Pick<typeof import('node:fs'), 'existsSync' | 'readFileSync'>;

/**
 * Is there room in this process's address space for so many bytes more, beside `held` bytes of buffers? Mesa's software driver
 * (lavapipe) accepts memory and maps it when it is first used; where that fails, under `ulimit -v`, it writes to address −1
 * in a thread of its own, and the process ends with a segmentation fault. No call of WebGPU reports it, so it is asked before.
 */
class ProcessRoom implements AddressRoom {
  private readonly fs: Files | undefined;
  private readonly limit: number;
  /** What was mapped before there were buffers. */
  private readonly base: number;

  constructor(adapter: string) {
    const fs = /llvmpipe|lavapipe/i.test(adapter) && typeof process !== 'undefined' ? process.getBuiltinModule?.('node:fs') : undefined;
    const stated = fs?.existsSync('/proc/self/limits')
      ? /^Max address space +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8'))
      : null;
    this.limit = stated ? Number(stated[1]) : Number.POSITIVE_INFINITY;
    this.fs = stated ? fs : undefined;
    this.base = this.mapped();
  }

  has(bytes: number, held: number): boolean {
    if (!this.fs) return true;
    // Buffers that were not used yet are not mapped yet.
    return Math.max(this.mapped(), this.base + held) + bytes + reserve <= this.limit;
  }

  /**
   * As `has`, where buffers were destroyed just now: the driver unmaps them some time after the work that used them, when it is
   * called. `call` does so; it is tried for a second.
   */
  hasSoon(bytes: number, held: number, call: () => void): boolean {
    const cell = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < 100 && !this.has(bytes, held); tries++) {
      call();
      Atomics.wait(cell, 0, 0, 10);
      call();
    }
    return this.has(bytes, held);
  }

  private mapped(): number {
    return this.fs ? Number.parseInt(this.fs.readFileSync('/proc/self/statm', 'utf8'), 10) * 4096 : 0;
  }
}

export const addressRoom = (adapter: string): AddressRoom => new ProcessRoom(adapter);
