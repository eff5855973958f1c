import { type Scalars, u32s } from '../kernel.js';

/** Four neighbours along the innermost dimension are one aligned vector, or all the same element. */
export const readableInFours = (strides: readonly number[]): boolean =>
  strides.at(-1) === 0 || (strides.at(-1) === 1 && strides.slice(0, -1).every((s) => s % 4 === 0));

/** Sizes of a space whose last dimension counts vectors of so many. */
export const inVectors = (shape: readonly number[], lanes: number): number[] =>
  shape.map((size, d) => (d + 1 === shape.length ? size / lanes : size));

/** Scalars `d0`, `d1`, … of such sizes, from a dimension on: a kernel that takes coordinates of all of them never asks for the first. */
export const sizeScalars = (sizes: readonly number[], from: number): Scalars =>
  u32s(Object.fromEntries([...sizes.entries()].slice(from).map(([d, size]) => [`d${d}`, size])));

/**
 * Scalars of operands' strides, each under its name and the dimension: in vectors, or in elements where one element serves the whole
 * vector. A negative one is its complement, since sums of products are taken modulo 2³².
 */
export function strideScalars(operands: Readonly<Record<string, readonly number[]>>, lanes: number): Scalars {
  const named = Object.entries(operands).flatMap(([name, strides]) => {
    const unit = strides.at(-1) === 0 ? 1 : lanes;
    return strides.map((s, d) => [`${name}${d}`, (d + 1 === strides.length ? s : s / unit) >>> 0] as const);
  });
  return u32s(Object.fromEntries(named));
}

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

/** WGSL of the offset that coordinates make along these dimensions; strides are `p.` and the name of `strideScalars`. */
export const offset = (name: string, dimensions: readonly number[]): string =>
  dimensions.map((d) => `k${d} * p.${name}${d}`).join(' + ') || '0u';
