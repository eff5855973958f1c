import type { Bake } from '../kernel.js';

/**
 * How a kernel is baked whose threads walk over the reduced dimensions: where several are reduced, each step of a walk divides by their
 * sizes, which takes a CPU driver long unless it knows them.
 */
export const bakeOfWalk = (reduced: readonly boolean[]): Bake => (reduced.filter(Boolean).length > 1 ? 'sizes' : 'shared');

/** WGSL of coordinates k0, k1, … of the given dimensions from a flat index over them, the last the fastest; sizes are `p.d0`, … */
export function coordinates(index: string, dimensions: readonly number[]): string {
  const list = [...dimensions].reverse();
  const last = list.pop();
  return [
    `var rest = ${index};`,
    ...list.map((d) => `let k${d} = rest % p.d${d}; rest = rest / p.d${d};`),
    ...(last === undefined ? [] : [`let k${last} = rest;`]),
  ].join(' ');
}
