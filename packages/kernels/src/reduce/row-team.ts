import { halving } from '../halving.wgsl.js';
import { entry, grid } from '../kernel.js';
import type { Target } from '../plan.js';

/**
 * Who works on a row: one thread, or on a GPU where rows are long a workgroup of 64 that shares it. A team's `lane`
 * takes the elements lane, lane + 64, …; `sumAll` and `maxAll` join the lanes' values by a tree of fixed order.
 */
export interface RowTeam {
  /** A workgroup shares a row: part of the kernel's key. */
  readonly together: boolean;
  readonly workgroups: [number, number, number];
}

/** The code of a team, whose kernel has the scalars `rows` and `length`. */
export interface TeamCode {
  /** WGSL of `sumAll(lane, v)`, and of `maxAll(lane, v)`, which needs `maxNan`. */
  functions(kinds: readonly ('sum' | 'max')[]): string;
  /** Declares `row` and `lane`, returns beyond `p.rows`. */
  readonly entry: string;
  /** A loop over the row's elements `k` of `p.length`. */
  each(body: string): string;
}

const size = 64;

const tree = (kind: 'sum' | 'max'): string => `
fn ${kind}All(lane: u32, v: f32) -> f32 {
  // The last result is read by all before the box is written again.
  workgroupBarrier();
  box[lane] = v;
  ${halving({ half: `${size / 2}u`, what: 'value', join: `box[lane] = ${kind === 'sum' ? 'box[lane] + box[lane + step]' : 'maxNan(box[lane], box[lane + step])'};` })}
  // The result is complete before anyone reads it.
  workgroupBarrier();
  return box[0];
}`;

export function rowTeam({ rows, length }: { rows: number; length: number }, target: Target): RowTeam {
  const together = !target.software && length >= 32;
  return { together, workgroups: grid(rows, target, { together }) };
}

export function teamCode(together: boolean): TeamCode {
  if (!together)
    return {
      functions: (kinds) => kinds.map((kind) => `fn ${kind}All(lane: u32, v: f32) -> f32 { return v; }`).join('\n'),
      entry: `@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) index: u32) {
  let lane = 0u;
  let row = (wid.x + wid.y * nwg.x) * ${size}u + index;
  if (row >= p.rows) { return; }`,
      each: (body) => `for (var k = 0u; k < p.length; k++) { ${body} }`,
    };
  return {
    functions: (kinds) => `var<workgroup> box: array<f32, ${size}>;${kinds.map(tree).join('')}`,
    entry: entry('row', 'p.rows', { together: true }),
    each: (body) => `for (var k = lane; k < p.length; k += ${size}u) { ${body} }`,
  };
}
