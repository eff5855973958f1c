import { dtypeBytes } from '@initlab/kernels';
import { OpError } from './errors.js';
import { Tensor } from './tensor.js';

/**
 * Rejects options that `op` does not have, which would be ignored in silence, and bare values where PyTorch takes positional
 * arguments.
 */
export function checkOptions<T extends object>(op: string, options: T, known: readonly (keyof T & string)[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options) || options instanceof Tensor)
    throw new OpError(
      op,
      `takes options by name ({ ${known.join(', ')} }), got ${options instanceof Tensor ? 'a tensor' : JSON.stringify(options)}`,
    );
  for (const name in options) if (!known.includes(name)) throw new OpError(op, `unknown option ${name}; it takes ${known.join(', ')}`);
}

/** Throws unless `value` is one of `known`; `what` names it in the message. */
export function checkChoice(op: string, what: string, { value, known }: { value: unknown; known: readonly string[] }): void {
  if (!known.includes(value as string)) throw new OpError(op, `${what} ${String(value)} is unknown; it is ${known.join(', ')}`);
}

export const checkDType = (op: string, dtype: unknown): void => checkChoice(op, 'dtype', { value: dtype, known: Object.keys(dtypeBytes) });
