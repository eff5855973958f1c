import type { Ending } from './no-node.js';

const open = new Set<Ending>();
let listening = false;

/**
 * Destroy a device when Node's process ends: Dawn, torn down under work that a CPU driver still computes, now and then ends the
 * process with a segmentation fault instead of its exit code. This waits for that work, so an exit that a signal asked for is
 * left as it is. Returns what takes the device off this list, since what is on it is never collected.
 */
export function destroyAtExit(device: Ending): () => void {
  open.add(device);
  if (!listening && typeof process !== 'undefined' && typeof process.on === 'function') {
    listening = true;
    process.on('exit', (code) => {
      for (const each of open) {
        each.warn();
        if (code <= 128) each.destroy();
      }
    });
  }
  return () => void open.delete(device);
}
