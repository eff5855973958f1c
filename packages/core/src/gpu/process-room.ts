import { OpError } from '../checks/errors.js';
import type { AddressRoom } from './no-node.js';

/** Left for what else the process maps: compiled kernels, the JavaScript heap, threads. */
const reserve = 256 * 2 ** 20;

type Files = Pick<typeof import('node:fs'), 'existsSync' | 'readFileSync'>;

/** Linux's files, of which `file` is one, where Mesa's software driver works within this process. */
function filesWith(file: string, adapter: string): Files | undefined {
  const fs = /llvmpipe|lavapipe/i.test(adapter) && typeof process !== 'undefined' ? process.getBuiltinModule?.('node:fs') : undefined;
  return fs?.existsSync(file) ? fs : undefined;
}

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
    const fs = filesWith('/proc/self/limits', adapter);
    const stated = fs ? /^Max address space +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'utf8')) : null;
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

/** Steps up to this size are never looked at: half of what a process of Linux's defaults has room for. */
const alwaysFits = 20_000;
/** Linux's personality bit for mapping memory upwards, set by `setarch -L`. */
const mapsUpwards = 0x0200000;

/**
 * Throws where a step's bind groups would end the process. lavapipe maps a page or two of memory for each, Linux allows
 * a process 65,530 maps (vm.max_map_count), and the one beyond is a crash, not an error. Pages mapped upwards lie beside
 * one another in lavapipe's file too, and count as one map.
 */
export function checkBindGroupRoom(adapter: string, dispatches: number): void {
  const fs = dispatches > alwaysFits ? filesWith('/proc/self/personality', adapter) : undefined;
  if (!fs) return;
  const number = (file: string, radix: number): number => Number.parseInt(fs.readFileSync(file, 'utf8'), radix);
  if (number('/proc/self/personality', 16) & mapsUpwards) return;
  const maps = number('/proc/sys/vm/max_map_count', 10);
  if (dispatches * 2 < maps) return;
  throw new OpError(
    'compile',
    `this step has ${dispatches} dispatches, and Mesa's software driver would need more memory maps than Linux gives a process (${maps}). ` +
      'Start the program under "setarch -L", which lets the kernel join them, or raise vm.max_map_count.',
  );
}
