import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Target } from '../plan.js';
import type { MatmulProblem } from './shared/problem.js';

/** Adds the parts of a product in order, part s of element i at `partials[s · m · n + i]`, and the bias. */
export function joinMatmul({ m, n, dtype, bias }: MatmulProblem, splits: number, target: Target): Dispatch {
  return dispatch(target, {
    family: 'matmul-join',
    about: 'Adds the parts of a product in order: partials lie [part][row][column]. An invocation owns one element. No barriers.',
    key: { dtype, bias },
    bindings: [read('partials'), ...(bias ? [read('bias', dtype)] : []), readWrite('y', dtype)],
    bake: 'shared',
    scalars: { count: u32(m * n), n: u32(n), splits: u32(splits) },
    workgroups: linearGroups(ceilDiv(m * n, 64), target),
    code: ({ dtype, bias }) => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  var acc = ${bias ? 'f32(bias[i % p.n])' : '0.0'};
  for (var s = 0u; s < p.splits; s++) { acc += partials[s * p.count + i]; }
  y[i] = ${dtype}(acc);
}`,
  });
}
