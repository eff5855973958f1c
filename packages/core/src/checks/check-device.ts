import { OpError } from './errors.js';
import { showValue } from './show-value.js';

/** Throws where a device is wanted and something else given, such as PyTorch's names of them. */
export function checkDevice(op: string, device: unknown): void {
  if (typeof (device as { checkUsable?: unknown } | null | undefined)?.checkUsable === 'function') return;
  throw new OpError(op, `device is ${showValue(device)}; give what openDevice() resolves to, or leave it out for the default`);
}
