import { browserGpu } from './find-gpu.js';

/** Of the time waited so far, the part to sleep next: what a wait may last longer than it had to. */
const share = 1 / 16;
/** Milliseconds slept at most, so that timers, signals and streams of the process are served as before. */
const longest = 1;

let cell: Int32Array<SharedArrayBuffer> | undefined;
let open = 0;
let since = 0;
let turning = false;

/**
 * Wait for a promise of the GPU with the processor at rest. While one is open, Dawn asks for events at every turn of Node's
 * event loop, which keeps a core busy; where the driver computes on the same cores, that is up to half of what two of
 * them do. So each turn sleeps a little, as long as such a promise is open. In a browser, which does not ask, nothing is done.
 */
export async function restUntil<T>(promise: Promise<T>): Promise<T> {
  if (browserGpu()) return promise;
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  if (open++ === 0) since = performance.now();
  if (!turning) {
    turning = true;
    setImmediate(turn);
  }
  try {
    return await promise;
  } finally {
    open--;
  }
}

function turn(): void {
  turning = open > 0;
  if (!turning) return;
  Atomics.wait(cell as Int32Array, 0, 0, Math.min(longest, (performance.now() - since) * share));
  setImmediate(turn);
}
