import { ceilDiv, entry, grid, planSingle, read, readWrite, u32 } from '../kernel.js';
import { type DType, dtypeBytes, type Plan, type Target } from '../plan.js';

export interface AssignProblem {
  /** Elements of both operands, in the same order. */
  readonly size: number;
  readonly dtype: DType;
  /** `copy`: dst = src. `add`: dst += src. */
  readonly mode: 'copy' | 'add';
}

/**
 * Write one tensor into another of the same layout, in place. Slots: dst (read-write), src.
 * A thread moves 16 bytes, the last one what is left: the padding of `dst` stays as it is, since norms of flat gradients are
 * taken over their gaps, too.
 */
export function planAssign(problem: AssignProblem, target: Target): Plan {
  const { dtype, mode } = problem;
  const lanes = 16 / dtypeBytes[dtype];
  const element = lanes === 4 ? `vec4<${dtype}>` : 'vec4<u32>';
  const vectors = ceilDiv(problem.size, lanes);
  return planSingle(`assign-${mode}-${dtype}`, target, {
    family: 'assign',
    about: 'dst and src lie alike. An invocation owns 16 bytes, the last one what is left of them. No barriers.',
    key: { mode, dtype },
    bindings: [readWrite('dst', element), read('src', element)],
    scalars: { size: u32(problem.size) },
    workgroups: grid(vectors, target),
    code: ({ mode, dtype }) => {
      const lanes = 16 / dtypeBytes[dtype];
      const half = dtype === 'f16';
      const sum = half
        ? `var sum: vec4u;
  for (var k = 0u; k < 4u; k++) { sum[k] = pack2x16float(unpack2x16float(dst[i][k]) + unpack2x16float(src[i][k])); }`
        : 'let sum = dst[i] + src[i];';
      const value = mode === 'copy' ? 'src[i]' : 'sum';
      // Of a word that ends with a half of the padding only the lower half is written.
      const tail = half
        ? `for (var k = 0u; k < rest / 2u; k++) { dst[i][k] = value[k]; }
  if (rest % 2u == 1u) { dst[i][rest / 2u] = (dst[i][rest / 2u] & 0xffff0000u) | (value[rest / 2u] & 0xffffu); }`
        : 'for (var k = 0u; k < rest; k++) { dst[i][k] = value[k]; }';
      return `
${entry('i', `(p.size + ${lanes - 1}u) / ${lanes}u`)}
  ${mode === 'copy' ? '' : sum}
  let value = ${value};
  let rest = p.size - i * ${lanes}u;
  if (rest >= ${lanes}u) { dst[i] = value; return; }
  ${tail}
}`;
    },
  });
}
