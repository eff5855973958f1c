import { OpError, showValue } from '@initlab/core';

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
