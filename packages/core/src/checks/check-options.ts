import { dtypeBytes } from '@initlab/kernels';
import { OpError } from './errors.js';
import { nearest } from './nearest.js';
import { showValue } from './show-value.js';
import { Tensor } from '../tensor/tensor.js';

export { showValue };

/**
 * Throws for options that `name` does not have, which would be ignored in silence, and for bare values where PyTorch takes
 * positional arguments.
 */
export function checkOptions<T extends object>(name: string, options: T, known: readonly (keyof T & string)[]): void {
  const list = known.length === 0 ? 'it takes none' : `its options are ${known.join(', ')}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options) || options instanceof Tensor)
    throw new OpError(name, `options come as an object, { ${known[0] ?? ''}: … }, got ${showValue(options)}; ${list}`);
  for (const key in options) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw new OpError(name, `there is no option ${key}; ${meant === undefined ? '' : `did you mean ${meant}? `}${list}`);
  }
}

/** Throws unless `value` is one of `known`; `what` names it in the message. */
export function checkChoice(op: string, what: string, { value, known }: { value: unknown; known: readonly string[] }): void {
  if (!known.includes(value as string)) throw new OpError(op, `${what} ${String(value)} is unknown; it is ${known.join(', ')}`);
}

export const checkDType = (op: string, dtype: unknown): void => checkChoice(op, 'dtype', { value: dtype, known: Object.keys(dtypeBytes) });
export const checkFormat = (op: string, format: unknown): void =>
  checkChoice(op, 'format', { value: format, known: ['rowMajor', 'channelsLast'] });
