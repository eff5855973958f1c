import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';

/** y[i] = x[index[i]] for 32-bit elements. Slots: x, index (i32) → y. */
export function planGather(count: number, target: Target): Plan {
  return {
    variant: 'gather',
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name: 'gather',
        bindings: [read('x', 'u32'), read('index', 'i32'), readWrite('y', 'u32')],
        scalars: { count: u32(count) },
        workgroups: linearGroups(ceilDiv(count, 64), target),
        code: () => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i < p.count) { y[i] = x[u32(index[i])]; }
}`,
      }),
    ],
  };
}
