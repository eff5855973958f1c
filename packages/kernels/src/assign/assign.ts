import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import { type DType, dtypeBytes, type Plan, type Target } from '../plan.js';

export interface AssignProblem {
  /** Elements of both operands, in the same order. */
  readonly size: number;
  readonly dtype: DType;
  /** `copy`: dst = src. `add`: dst += src. */
  readonly mode: 'copy' | 'add';
}

const workgroupSize = 64;

/**
 * Write one tensor into another of the same layout, in place. Slots: dst (read-write), src.
 * A thread moves 16 bytes; the last one may touch the padding that every tensor's bytes are rounded up to.
 */
export function planAssign(problem: AssignProblem, target: Target): Plan {
  const { dtype, mode } = problem;
  const lanes = 16 / dtypeBytes[dtype];
  const element = lanes === 4 ? `vec4<${dtype}>` : 'vec4<u32>';
  const vectors = ceilDiv(problem.size, lanes);
  const half = dtype === 'f16';
  const sum = half
    ? `let a = dst[i]; let b = src[i];
    for (var k = 0u; k < 4u; k++) { dst[i][k] = pack2x16float(unpack2x16float(a[k]) + unpack2x16float(b[k])); }`
    : 'dst[i] = dst[i] + src[i];';
  const name = `assign-${mode}-${dtype}`;
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name,
        bindings: [readWrite('dst', element), read('src', element)],
        scalars: { vectors: u32(vectors) },
        workgroups: linearGroups(ceilDiv(vectors, workgroupSize), target),
        code: () => `
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.vectors) { return; }
  ${mode === 'copy' ? 'dst[i] = src[i];' : `{ ${sum} }`}
}`,
      }),
    ],
  };
}
