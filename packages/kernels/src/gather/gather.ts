import { entry, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';

export interface GatherProblem {
  /** Elements of x and of the index. */
  readonly length: number;
  readonly count: number;
  readonly dtype: 'f32' | 'i32' | 'u32';
}

/**
 * y[i] = x[index[i]] for 32-bit elements. Slots: x, index (i32) → y. An index outside x, which a kernel cannot report, gives NaN,
 * or −1 of whole numbers (all bits set in u32): no class and no row.
 */
export function planGather({ length, count, dtype }: GatherProblem, target: Target): Plan {
  return planSingle('gather', target, {
    family: 'gather',
    about: 'An invocation owns one element of y. No barriers.',
    key: {},
    bindings: [read('x', 'u32'), read('index', 'i32'), readWrite('y', 'u32')],
    scalars: u32s({ count, length, missing: dtype === 'f32' ? 0x7fc00000 : 0xffffffff }),
    workgroups: grid(count, target),
    code: () => `
${entry('i', 'p.count')}
  // A negative index is a huge one here.
  let at = u32(index[i]);
  if (at < p.length) { y[i] = x[at]; } else { y[i] = p.missing; }
}`,
  });
}
