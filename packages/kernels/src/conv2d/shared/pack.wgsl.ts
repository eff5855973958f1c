import { dispatch, entry, grid, read, readWrite, u32 } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { type Conv2dProblem, weightDtype } from './problem.js';

/** OIHW to [group][tap][inner][outer], outer filled with zeros to a multiple of 4, or as asked. */
export function packFilters(
  problem: Conv2dProblem,
  sizes: { forward: boolean; inner: number; outer: number; packed: number; multiple?: 1 | 4 | 8 },
  target: Target,
): Dispatch {
  const { dtype } = problem;
  const { forward, inner, outer, packed, multiple = 4 } = sizes;
  return dispatch(target, {
    family: 'conv2d-pack',
    about:
      'Filters from OIHW to [group][tap][inner channel][outer channel], outer filled with zeros to whole vectors. An invocation owns one element. No barriers.',
    key: { forward, dtype, weights: weightDtype(problem), multiple },
    bindings: [read('weight', weightDtype(problem)), readWrite('filters', dtype)],
    scalars: { packed: u32(packed), taps: u32(problem.kernelHeight * problem.kernelWidth), inner: u32(inner), outer: u32(outer) },
    workgroups: grid(packed, target),
    code: ({ forward, dtype, multiple }) => `
${entry('i', 'p.packed')}
  let width = (p.outer + ${multiple - 1}u) / ${multiple}u * ${multiple}u;
  let o = i % width;
  let c = i / width % p.inner;
  let tap = i / (width * p.inner) % p.taps;
  let g = i / (width * p.inner * p.taps);
  var value = ${dtype}(0.0);
  if (o < p.outer) { value = ${dtype}(weight[${forward ? '((g * p.outer + o) * p.inner + c)' : '((g * p.inner + c) * p.outer + o)'} * p.taps + tap]); }
  filters[i] = value;
}`,
  });
}
