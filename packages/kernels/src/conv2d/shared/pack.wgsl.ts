import { ceilDiv, dispatch, entry, grid, read, readWrite, u32s } from '../../kernel.js';
import { type Dispatch, dtypeBytes, type Target, type Temporary } from '../../plan.js';
import type { FilterPack } from './conv2d-plan.js';
import { type Conv2dProblem, weightDtype } from './problem.js';

/** What is packed: channels of a group, `outer` filled with zeros to a multiple of so many. */
interface Packing {
  readonly forward: boolean;
  readonly groups: number;
  readonly inner: number;
  readonly outer: number;
  readonly multiple: 1 | 4 | 8;
}

/** Filters packed into the temporary `filters`, and how: OIHW to [group][tap][inner][outer]. */
export function packFilters(
  problem: Conv2dProblem,
  { forward, groups, inner, outer, multiple }: Packing,
  target: Target,
): { pack: FilterPack; temporary: Temporary; dispatch: Dispatch } {
  const { dtype } = problem;
  const taps = problem.kernelHeight * problem.kernelWidth;
  const width = ceilDiv(outer, multiple) * multiple;
  const packed = groups * taps * inner * width;
  const made = dispatch(target, {
    family: 'conv2d-pack',
    about:
      'Filters from OIHW to [group][tap][inner channel][outer channel], outer filled with zeros to whole vectors. An invocation owns one element. No barriers.',
    key: { forward, dtype, weights: weightDtype(problem), multiple },
    bindings: [read('weight', weightDtype(problem)), readWrite('filters', dtype)],
    scalars: u32s({ packed, taps, inner, outer }),
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
  const pack = { forward, taps, inner, outer, width, packed, dtype };
  return { pack, temporary: { slot: 'filters', bytes: packed * dtypeBytes[dtype] }, dispatch: made };
}
