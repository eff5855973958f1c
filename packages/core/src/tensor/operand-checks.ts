import { OpError, showShape } from '../checks/errors.js';
import type { Device } from '../gpu/device.js';
import { currentRecorder } from '../record/recorder.js';
import type { Storage } from '../storage/storage.js';
import { writtenSince } from './writes.js';

/** What of a tensor is checked. */
interface Operand {
  readonly storage: Storage;
  readonly shape: readonly number[];
  readonly disposed: boolean;
  readonly name: string | undefined;
  readonly aliasOf: { readonly name: string | undefined } | undefined;
  readonly saved: { readonly op: string; readonly slot: string; readonly at: number } | undefined;
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

/**
 * Throws where what a forward saved is no longer what it was: a gradient of old and new numbers is of neither. Only what a
 * gradient reads comes here; sizes alone are no reading.
 */
function checkUnchanged(x: Operand): void {
  if (!x.saved) return;
  const { op, slot, at } = x.saved;
  const { storage, shape } = x;
  const name = x.aliasOf?.name ?? x.name;
  const check = (): void => {
    const by = writtenSince(storage, at);
    if (by === undefined) return;
    throw new OpError(
      'backward',
      `the gradient of ${op} reads its ${slot}, ${name ? `${name} ` : ''}${showShape(shape)}${name ? '' : ` (made by ${storage.label})`}, ` +
        `as it was in the forward, but ${by} has changed it since; call backward before that, or run the forward again after it`,
    );
  };
  check();
  currentRecorder()?.readsSaved(at, check);
}

/** Throws where `op` cannot take `x` as its operand `name` on `device`. */
export function checkOperand(op: string, x: Operand, { name, device }: { name: string; device: Device }): void {
  const wrong = unusable(x);
  if (wrong) throw new OpError(op, `operand ${name} ${wrong}`);
  checkUnchanged(x);
  const own = x.storage.device;
  if (own !== device)
    throw new OpError(op, `operands live on two devices (${device.label} and ${own.label}); read() one and make it anew on the other`);
}
