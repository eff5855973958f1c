/** `count` numbers from 0, for unrolled code. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Unrolled code: what `write` makes of each number from 0 to `count` − 1, with `between` from one to the next. */
export const unrolled = (count: number, between: string, write: (i: number) => string): string => range(count).map(write).join(between);
