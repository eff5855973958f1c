/** `count` numbers from 0, for unrolled code. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
