import { dtypeBytes } from '@initlab/kernels';
import { OpError } from './errors.js';
import { nearest } from './nearest.js';
import { showValue } from './show-value.js';
import { isTensor } from './tensor-mark.js';

export { showValue };

/** Nothing more where a list names every option of `T`; else what it lacks, so that the compiler's message says it. */
type Complete<T, Known> = [Exclude<keyof T, Known>] extends [never] ? unknown : { lacks: Exclude<keyof T, Known> };

/**
 * Throws for options that `name` does not have, which would be ignored in silence, and for bare values where PyTorch takes
 * positional arguments. A list that lacks an option of the type, or has one too many, does not compile.
 */
export function checkOptions<T extends object, const Known extends readonly (keyof T & string)[]>(
  name: string,
  options: T,
  known: Known & Complete<T, Known[number]>,
): void {
  const list = known.length === 0 ? 'it takes none' : `its options are ${known.join(', ')}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isTensor(options))
    throw new OpError(name, `options come as an object, { ${known[0] ?? ''}: … }, got ${showValue(options)}; ${list}`);
  for (const key in options) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw new OpError(name, `there is no option ${key}; ${meant === undefined ? '' : `did you mean ${meant}? `}${list}`);
  }
}

/** Throws where an object is wanted and there is none; `what` says which: `an entry { name, make }`. */
export function checkObject(op: string, what: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new OpError(op, `takes ${what}, got ${showValue(value)}`);
}

/** Throws unless an entry of a registry has a name, and the function `makes`. */
export function checkEntry(op: string, entry: unknown, makes: string): void {
  checkObject(op, `an entry { name, ${makes}, … }`, entry);
  const { name, [makes]: made } = entry as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') throw new OpError(op, `the entry's name is ${showValue(name)}; give a text`);
  if (typeof made !== 'function') throw new OpError(op, `${makes} of "${name}" is ${showValue(made)}; give a function`);
}

/** Throws unless `value` is one of `known`; `what` names it in the message. */
export function checkChoice(op: string, what: string, { value, known }: { value: unknown; known: readonly string[] }): void {
  if (!known.includes(value as string)) throw new OpError(op, `${what} ${String(value)} is unknown; it is ${known.join(', ')}`);
}

export const checkDType = (op: string, dtype: unknown): void => checkChoice(op, 'dtype', { value: dtype, known: Object.keys(dtypeBytes) });
export const checkFormat = (op: string, format: unknown): void =>
  checkChoice(op, 'format', { value: format, known: ['rowMajor', 'channelsLast'] });
