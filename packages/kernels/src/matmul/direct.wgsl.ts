import { entry, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { type MatmulProblem, matmulStrides } from './shared/problem.js';

/** Matrix product, one thread an element: the reference the other families are checked against. */
export function planDirectMatmul(problem: MatmulProblem, target: Target): Plan {
  const { a, b } = matmulStrides(problem);
  const { dtype, bias } = problem;
  const variant = 'matmul-direct';
  return planSingle(variant, target, {
    family: variant,
    about:
      'The plain product: an invocation owns one element of y, row-major. aRow and aColumn say how far apart rows and columns of a lie; b likewise. No barriers.',
    key: { dtype, bias },
    bindings: [read('a', dtype), read('b', dtype), ...(bias ? [read('bias', dtype)] : []), readWrite('y', dtype)],
    bake: 'shared',
    scalars: u32s({ m: problem.m, n: problem.n, k: problem.k, aRow: a.row, aColumn: a.column, bRow: b.row, bColumn: b.column }),
    flops: 2 * problem.m * problem.n * problem.k,
    workgroups: grid(problem.m * problem.n, target),
    code: ({ dtype, bias }) => `
${entry('i', 'p.m * p.n')}
  let row = i / p.n;
  let column = i % p.n;
  var acc = ${bias ? 'f32(bias[column])' : '0.0'};
  for (var k = 0u; k < p.k; k++) { acc = fma(f32(a[row * p.aRow + k * p.aColumn]), f32(b[k * p.bRow + column * p.bColumn]), acc); }
  y[i] = ${dtype}(acc);
}`,
  });
}
