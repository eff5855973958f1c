import { entry, grid, planSingle, read, readWrite, u32s } from '../kernel.js';
import type { DType, Plan, Target } from '../plan.js';
import type { Lines } from './lines.js';

export interface CumsumProblem extends Lines {
  /** From the last to the first: the gradient of the other. */
  readonly reverse: boolean;
  readonly dtype: DType;
}

const width = 256;

/**
 * Running sums along a dimension, in f32 (of halves too) or in whole numbers. Slots: x → y. One invocation a line where lines are short
 * or the driver runs on a CPU; else a workgroup a line, which walks it in chunks of 256: each is summed by doubling in workgroup memory
 * and begins where the one before ended.
 */
export function planCumsum({ outer, length, inner, reverse, dtype }: CumsumProblem, target: Target): Plan {
  const lines = outer * inner;
  const joint = !target.software && length > 64;
  const type = dtype === 'f16' ? 'f32' : dtype;
  return planSingle(joint ? 'cumsum-joint' : 'cumsum', target, {
    family: 'cumsum',
    about: `x and y lie [outer][length][inner]; a line is one outer and inner. A line belongs to one invocation, or to a workgroup (joint) that walks it in chunks of 256.
Barriers: what is added in a round of doubling was written before it, and read before it is overwritten.`,
    key: { dtype, type, reverse, joint },
    bindings: [read('x', dtype), readWrite('y', dtype)],
    scalars: u32s({ count: lines, length, inner }),
    bake: 'shared',
    workgroups: grid(lines, target, { together: joint }),
    code: ({ dtype, type, reverse, joint }) => {
      const place = (k: string): string => (reverse ? `(p.length - 1u - ${k})` : k);
      return joint
        ? `
var<workgroup> part: array<${type}, ${width}>;
${entry('line', 'p.count', { together: true, threads: width })}
  let base = line / p.inner * p.length * p.inner + line % p.inner;
  var before = ${type}(0);
  for (var begin = 0u; begin < p.length; begin += ${width}u) {
    let k = begin + lane;
    var sum = ${type}(0);
    if (k < p.length) { sum = ${type}(x[base + ${place('k')} * p.inner]); }
    part[lane] = sum;
    for (var far = 1u; far < ${width}u; far *= 2u) {
      // All have written before any reads a neighbour, and have read before it changes.
      workgroupBarrier();
      var add = ${type}(0);
      if (lane >= far) { add = part[lane - far]; }
      workgroupBarrier();
      sum += add;
      part[lane] = sum;
    }
    if (k < p.length) { y[base + ${place('k')} * p.inner] = ${dtype}(before + sum); }
    workgroupBarrier();
    before += part[${width - 1}];
    // The total is read before the next chunk takes its place.
    workgroupBarrier();
  }
}`
        : `
${entry('i', 'p.count')}
  let base = i / p.inner * p.length * p.inner + i % p.inner;
  var sum = ${type}(0);
  for (var k = 0u; k < p.length; k++) {
    let at = base + ${place('k')} * p.inner;
    sum += ${type}(x[at]);
    y[at] = ${dtype}(sum);
  }
}`;
    },
  });
}
