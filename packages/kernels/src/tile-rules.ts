/** A tile, if it keeps to the rules its kernel relies on; an error that names the broken one otherwise. */
export function checkedTile<T>(tile: T, name: string, rules: Readonly<Record<string, boolean>>): T {
  for (const [rule, kept] of Object.entries(rules)) if (!kept) throw new RangeError(`kernels: tile ${name}: ${rule}`);
  return tile;
}

export const isPowerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && Number.isInteger(Math.log2(n));
