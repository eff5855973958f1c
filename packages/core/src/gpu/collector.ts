/** Bytes by which memory outside every scope grows, at least, before the collector is asked again. */
const patience = 128 * 2 ** 20;

let loose = 0;
let asked = false;
let next = patience;

const ahead = (): number => loose + Math.max(patience, loose / 2);

/**
 * GPU memory was allocated outside every scope. JavaScript's collector knows nothing of it and sees no reason to run, so it is
 * asked to where much of it has gathered: tensors that nothing refers to any more give theirs back then, between two tasks.
 */
export function tookLoose(bytes: number): void {
  loose += bytes;
  if (loose < next) return;
  next = ahead();
  collectSoon();
}

/** Such memory was given back. */
export function gaveLoose(bytes: number): void {
  loose -= bytes;
  next = Math.min(next, ahead());
}

/** Asks for a collection at the next turn of the event loop. Node only: a browser offers no such thing. */
export function collectSoon(): void {
  if (asked) return;
  try {
    const inspector = typeof process === 'undefined' ? undefined : process.getBuiltinModule?.('node:inspector');
    if (!inspector) return;
    const session = new inspector.Session();
    session.connect();
    asked = true;
    session.post('HeapProfiler.collectGarbage', () => {
      asked = false;
      // Within the answer itself it would wait for ever.
      setImmediate(() => session.disconnect());
    });
  } catch {
    // A runtime without an inspector collects when it likes.
  }
}
