import type { Target } from './plan.js';
import { range, unrolled } from './range.js';

/** Size of every subgroup, or 0 where it is not known to the planner: then nothing is shared between invocations. */
export const subgroupSize = (target: Target): number =>
  target.subgroups && target.subgroupMinSize === target.subgroupMaxSize ? target.subgroupMaxSize : 0;

/** WGSL: the entry point of workgroups of so many invocations, `lane` of a subgroup where these are known. */
export const laneMain = (threads: number, lanes: number): string => `@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) invocation: u32${lanes > 0 ? ', @builtin(subgroup_invocation_id) lane: u32' : ''}) {`;

/** WGSL: of sums a0_q, a1_q, … of quad `q` the one that a variable tells. */
export const pickSum = (count: number, variable: string, q: number): string =>
  range(count).reduce((text, i) => (i === 0 ? `a0_${q}` : `select(${text}, a${i}_${q}, ${variable} == ${i}u)`), '');

/** WGSL that loads vec4s all invocations share, and reads one of them. */
export interface SharedLoads {
  /** Statements that load; to be placed in subgroup-uniform control flow. */
  readonly load: string;
  /** Expression of vector `i`. */
  readonly vector: (i: number) => string;
}

/**
 * `count` vec4s that all invocations use, `read(i)` each: every invocation of a subgroup of `size` reads its share and
 * broadcasts hand them round. A CPU driver loads 8 different addresses at the price of one, and the broadcast of a
 * constant lane is one or two instructions. Without subgroups every invocation reads all.
 */
export function sharedLoads(name: string, count: number, { size, read }: { size: number; read: (i: string) => string }): SharedLoads {
  if (size === 0)
    return {
      load: unrolled(count, ' ', (i) => `let ${name}${i} = ${read(`${i}u`)};`),
      vector: (i) => `${name}${i}`,
    };
  // Invocations beyond the last vector read that one again.
  const number = (l: number): string => (l * size + size <= count ? `lane + ${l * size}u` : `min(lane + ${l * size}u, ${count - 1}u)`);
  return {
    load: unrolled(Math.ceil(count / size), ' ', (l) => `let ${name}${l} = ${read(`(${number(l)})`)};`),
    vector: (i) => `subgroupBroadcast(${name}${Math.floor(i / size)}, ${i % size}u)`,
  };
}

/**
 * i / d given 1 / d: CPU drivers divide integers one by one, and some hundred clock ticks each. Right while the quotient is
 * below 2²² (planners check): the product is then at most one off, which the remainder shows.
 */
export const quotientFunction = `
fn quotient(i: u32, d: u32, inverse: f32) -> u32 {
  let q = u32(f32(i) * inverse);
  let rest = i - q * d;
  return select(select(q, q + 1u, rest >= d), q - 1u, rest > 0x7fffffffu);
}`;
