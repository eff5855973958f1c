import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';

/** Index of the largest of each row, the first of equals; a NaN counts as the largest. Slots: x → y (i32). */
export function planArgmax({ rows, classes, dtype }: { rows: number; classes: number; dtype: 'f32' | 'f16' }, target: Target): Plan {
  const name = `argmax-${dtype}`;
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        family: 'argmax',
        about: 'x lies [row][class]. An invocation owns one row. No barriers.',
        key: { dtype },
        bindings: [read('x', dtype), readWrite('y', 'i32')],
        scalars: { rows: u32(rows), classes: u32(classes) },
        workgroups: linearGroups(ceilDiv(rows, 64), target),
        code: () => `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.rows) { return; }
  var best = 0u;
  var top = f32(x[i * p.classes]);
  for (var k = 1u; k < p.classes; k++) {
    let v = f32(x[i * p.classes + k]);
    if (!isNan(top) && (v > top || isNan(v))) { top = v; best = k; }
  }
  y[i] = i32(best);
}`,
      }),
    ],
  };
}
