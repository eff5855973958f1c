import { dispatch, entry, grid, read, readWrite, u32s } from '../kernel.js';
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
    scalars: u32s({ count: m * n, n, splits }),
    workgroups: grid(m * n, target),
    code: ({ dtype, bias }) => `
${entry('i', 'p.count')}
  var acc = ${bias ? 'f32(bias[i % p.n])' : '0.0'};
  for (var s = 0u; s < p.splits; s++) { acc += partials[s * p.count + i]; }
  y[i] = ${dtype}(acc);
}`,
  });
}
