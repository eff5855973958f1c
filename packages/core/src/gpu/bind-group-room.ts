import { OpError } from '../checks/errors.js';

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
  if (dispatches <= alwaysFits || !/llvmpipe|lavapipe/i.test(adapter) || typeof process === 'undefined') return;
  const fs = process.getBuiltinModule?.('node:fs');
  if (!fs?.existsSync('/proc/self/personality')) return;
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
