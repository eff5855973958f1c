import { OpError } from '@initlab/core';
import { nearest } from './nearest.js';

/** Throws for an option that `name` does not have: a misspelt one would be ignored without a word. */
export function checkKeys<T extends object>(name: string, options: T, known: readonly (keyof T & string)[]): void {
  const list = known.length === 0 ? 'it takes none' : `its options are ${known.join(', ')}`;
  if (options === null || typeof options !== 'object' || Array.isArray(options))
    throw new OpError(name, `options come as an object, { ${known[0] ?? ''}: … }, got ${showValue(options)}; ${list}`);
  for (const key of Object.keys(options)) {
    if ((known as readonly string[]).includes(key)) continue;
    const meant = nearest(key, known);
    throw new OpError(name, `there is no option ${key}; ${meant === undefined ? '' : `did you mean ${meant}? `}${list}`);
  }
}

/** Throws for sizes that are not whole numbers from `least`. */
export function checkSizes(name: string, sizes: Readonly<Record<string, number | readonly number[]>>, least = 1): void {
  for (const [key, size] of Object.entries(sizes))
    for (const value of Array.isArray(size) ? size : [size])
      if (!Number.isInteger(value) || value < least)
        throw new OpError(name, `${key} is ${showValue(size)}; give a whole number from ${least}`);
}

/** Throws for what is no number, or not a finite one. */
export function checkFinite(name: string, numbers: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(numbers))
    if (!Number.isFinite(value)) throw new RangeError(`${name}: ${key} is ${showValue(value)}; give a finite number`);
}

const showValue = (value: unknown): string =>
  Array.isArray(value) ? `[${value.join(', ')}]` : value !== null && typeof value === 'object' ? value.constructor.name : String(value);
