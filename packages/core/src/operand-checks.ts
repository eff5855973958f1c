import { OpError, showShape } from './errors.js';
import type { Device } from './gpu/device.js';
import type { Storage } from './storage.js';

/** What of a tensor is checked. */
interface Operand {
  readonly storage: Storage;
  readonly shape: readonly number[];
  readonly disposed: boolean;
}

/** What is wrong with reading `x` now, and what to do; `undefined` where nothing is. */
export function unusable({ storage, shape, disposed }: Operand): string | undefined {
  if (storage.result === 'overwritten')
    return (
      `is a result of a compiled step (shape ${showShape(shape)}) that a later call has overwritten; ` +
      'before that call, read() it (the copy is taken at once) or keep a copy with add(0)'
    );
  if (!disposed) return undefined;
  return `was disposed (made by ${storage.label}, shape ${showShape(shape)}); return it from its scope or keep() it to use it later`;
}

/** Throws where `op` cannot take `x` as its operand `name` on `device`. */
export function checkOperand(op: string, x: Operand, { name, device }: { name: string; device: Device }): void {
  const wrong = unusable(x);
  if (wrong) throw new OpError(op, `operand ${name} ${wrong}`);
  const own = x.storage.device;
  if (own !== device)
    throw new OpError(op, `operands live on two devices (${device.label} and ${own.label}); read() one and make it anew on the other`);
}
