import { entry, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { DType, Plan, Target } from '../plan.js';
import type { Lines } from './lines.js';

/** Slices of a dimension by an index, and the adjoint of that. Both tensors have `outer` and `inner` alike. */
export interface IndexedProblem extends Lines {
  /** Size of the dimension where the index counts: of y, or dy. */
  readonly count: number;
  /** One index for each slice; else one for each element. */
  readonly shared: boolean;
  readonly dtype: DType;
}

const at = (shared: boolean, k: string): string => (shared ? `index[${k}]` : `index[(o * p.taken + ${k}) * p.inner + n]`);

/** y[o, k, n] = x[o, index, n]. Slots: x, index (i32) → y. An index outside gives NaN, or −1 of whole numbers, as `planGather`. */
export function planTakeAlong({ outer, length, inner, count, shared, dtype }: IndexedProblem, target: Target): Plan {
  const size = outer * count * inner;
  const half = dtype === 'f16';
  const element = half ? 'f16' : 'u32';
  return planSingle('take-along', target, {
    family: 'take-along',
    about: 'x lies [outer][length][inner], y and index [outer][taken][inner]. An invocation owns one element of y. No barriers.',
    key: { half, shared },
    bindings: [read('x', element), read('index', 'i32'), readWrite('y', element)],
    scalars: u32s({
      count: size,
      length,
      inner,
      taken: count,
      missing: dtype === 'f32' ? 0x7fc00000 : dtype === 'f16' ? 0x7e007e00 : 0xffffffff,
    }),
    workgroups: grid(size, target),
    code: ({ half, shared }) => `
${entry('i', 'p.count')}
  let n = i % p.inner;
  let k = (i / p.inner) % p.taken;
  let o = i / (p.inner * p.taken);
  // A negative index is a huge one here.
  let j = u32(${at(shared, 'k')});
  if (j < p.length) { y[i] = x[(o * p.length + j) * p.inner + n]; } else { y[i] = ${half ? 'bitcast<vec2<f16>>(p.missing).x' : 'p.missing'}; }
}`,
  });
}

/**
 * dx[o, j, n] = Σ dy[o, k, n] over all k whose index is j, in the order of k: no atomics, the same bits every time. Slots: dy,
 * index (i32) → dx. With `sorted`, `order` (i32, like the index: where its smallest, second smallest … stand) lets every sum find its
 * terms by halving; without, it looks at all indices. Indices outside add nothing.
 */
export function planAddAlong(problem: IndexedProblem & { readonly sorted: boolean }, target: Target): Plan {
  const { outer, length, inner, count, shared, dtype, sorted } = problem;
  const size = outer * length * inner;
  const whole = dtype === 'i32' || dtype === 'u32';
  const type = whole ? dtype : 'f32';
  return planSingle(sorted ? 'add-along-sorted' : 'add-along', target, {
    family: 'add-along',
    about:
      'dx lies [outer][length][inner], dy and index [outer][taken][inner]. An invocation owns one element of dx and adds, in order, what was taken from it. No barriers.',
    key: { dtype, type, shared, sorted },
    bindings: [read('dy', dtype), read('index', 'i32'), ...(sorted ? [read('order', 'i32')] : []), readWrite('dx', dtype)],
    scalars: u32s({ count: size, length, inner, taken: count }),
    workgroups: grid(size, target),
    code: ({ dtype, type, shared, sorted }) => {
      const value = (k: string): string => `${type}(dy[(o * p.taken + ${k}) * p.inner + n])`;
      const order = (k: string): string => `u32(order[${shared ? k : `(o * p.taken + ${k}) * p.inner + n`}])`;
      return `
${entry('i', 'p.count')}
  let n = i % p.inner;
  let j = i32((i / p.inner) % p.length);
  let o = i / (p.inner * p.length);
  var sum = ${type}(0);
  ${
    sorted
      ? `var low = 0u;
  var high = p.taken;
  while (low < high) {
    let middle = (low + high) / 2u;
    let k = ${order('middle')};
    if (${at(shared, 'k')} < j) { low = middle + 1u; } else { high = middle; }
  }
  for (var t = low; t < p.taken; t++) {
    let k = ${order('t')};
    if (${at(shared, 'k')} != j) { break; }
    sum += ${value('k')};
  }`
      : `for (var k = 0u; k < p.taken; k++) {
    if (${at(shared, 'k')} == j) { sum += ${value('k')}; }
  }`
  }
  dx[i] = ${dtype}(sum);
}`;
    },
  });
}
