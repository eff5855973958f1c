/** Block of the result a workgroup owns (m × n), its depth along k, and the part of it one invocation computes. */
export interface Tile {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly threadM: number;
  readonly threadN: number;
}

export const tileThreads = ({ m, n, threadM, threadN }: Tile): number => (m / threadM) * (n / threadN);
export const showTile = ({ m, n, k, threadM, threadN }: Tile): string => `${m}x${n}x${k}-${threadM}x${threadN}`;

/** A tile, if it keeps to the rules its kernel relies on; an error that names the broken one otherwise. */
export function checkedTile<T>(tile: T, name: string, rules: Readonly<Record<string, boolean>>): T {
  for (const [rule, kept] of Object.entries(rules)) if (!kept) throw new RangeError(`kernels: tile ${name}: ${rule}`);
  return tile;
}

export const isPowerOfTwo = (n: number): boolean => Number.isInteger(n) && n > 0 && Number.isInteger(Math.log2(n));
