import { ceilDiv, linearGroups, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { MatmulProblem } from '../matmul/index.js';
import type { Plan, Target } from '../plan.js';
import { unrolled } from '../range.js';

/** `batch` products of [m, k] and [k, n]. */
export interface BatchedMatmulProblem extends Omit<MatmulProblem, 'bias'> {
  readonly batch: number;
}

/** Rows and columns that an invocation makes, and invocations along each side of a workgroup. */
const own = 4;
const side = 8;

/**
 * y[i] = a[i] · b[i]. Slots: a, b → y. A workgroup makes 32 × 32 elements of one product, an invocation 4 × 4 of them in registers, in
 * f32 and in the order of k; beyond the edges it reads the last row or column again, and stores nothing.
 */
export function planBatchedMatmul(problem: BatchedMatmulProblem, target: Target): Plan {
  const { batch, m, n, k, transposeA, transposeB, dtype } = problem;
  const tilesM = ceilDiv(m, own * side);
  const tilesN = ceilDiv(n, own * side);
  const groups = batch * tilesM * tilesN;
  return planSingle('batched-matmul', target, {
    family: 'batched-matmul',
    about:
      'a, b and y lie [product][row][column]. A workgroup owns 32 x 32 elements of one product, an invocation 4 x 4 of them in registers. No barriers.',
    key: { transposeA, transposeB, dtype },
    bindings: [read('a', dtype), read('b', dtype), readWrite('y', dtype)],
    scalars: u32s({ groups, tilesM, tilesN, m, n, k }),
    bake: 'shared',
    workgroups: linearGroups(groups, target),
    flops: 2 * batch * m * n * k,
    code: ({ transposeA, transposeB, dtype }) => {
      const each = (line: (i: number) => string): string => unrolled(own, '\n    ', (i) => line(i));
      return `
@compute @workgroup_size(${side}, ${side})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let group = wid.x + wid.y * nwg.x;
  if (group >= p.groups) { return; }
  let product = group / (p.tilesM * p.tilesN);
  let row = (group / p.tilesN % p.tilesM * ${side}u + lane.y) * ${own}u;
  let column = (group % p.tilesN * ${side}u + lane.x) * ${own}u;
  let aBase = product * p.m * p.k;
  let bBase = product * p.k * p.n;
  ${each((i) => `let r${i} = aBase + min(row + ${i}u, p.m - 1u)${transposeA ? '' : ' * p.k'};`)}
  ${each((i) => `let c${i} = bBase + min(column + ${i}u, p.n - 1u)${transposeB ? ' * p.k' : ''};`)}
  ${each((i) => `var sum${i} = vec4f(0.0);`)}
  for (var k = 0u; k < p.k; k++) {
    let right = vec4f(${unrolled(own, ', ', (i) => `f32(b[c${i} + k${transposeB ? '' : ' * p.n'}])`)});
    ${each((i) => `sum${i} = fma(vec4f(f32(a[r${i} + k${transposeA ? ' * p.m' : ''}])), right, sum${i});`)}
  }
  let rows = array<vec4f, ${own}>(${unrolled(own, ', ', (i) => `sum${i}`)});
  for (var i = 0u; i < ${own}u; i++) {
    for (var j = 0u; j < ${own}u; j++) {
      if (row + i < p.m && column + j < p.n) { y[(product * p.m + row + i) * p.n + column + j] = ${dtype}(rows[i][j]); }
    }
  }
}`;
    },
  });
}
