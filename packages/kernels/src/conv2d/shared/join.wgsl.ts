import { dispatch, entry, f32, grid, mainOf, read, readWrite, u32s } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { quotientFunction } from '../../software-lanes.js';
import type { Conv2dPlan } from './conv2d-plan.js';
import { type Conv2dProblem, type Images, weightDtype } from './problem.js';

const workgroupSize = 64;
const wideWorkgroup = 256;

const threadsOf = (workers: number): number => (workers > 1 ? wideWorkgroup : workgroupSize);

export interface JoinOptions {
  /** Where the sums go. */
  readonly slot: Images['slot'] | 'dw';
  /** Elements of the result; part s of element i is `partials[s · elements + i]`. */
  readonly elements: number;
  readonly splits: number;
  /** Invocations that share one element's parts (a power of two up to 32); their sums are added in order. */
  readonly workers?: number;
}

/**
 * Adds the parts of a product in a fixed order. A weight gradient's parts lie [tap][input channel][output channel] and
 * go to OIHW; a forward's get their bias here.
 */
export function joinSplits(problem: Conv2dProblem, { slot, elements, splits, workers = 1 }: JoinOptions, target: Target): Dispatch {
  const { outChannels } = problem;
  const weightType = weightDtype(problem);
  const dtype = slot === 'dw' ? weightType : problem.dtype;
  const bias = slot === 'y' && problem.bias;
  const each = threadsOf(workers) / workers;
  const toWeight = slot === 'dw';
  const [groupIn, taps] = [problem.inChannels / problem.groups, problem.kernelHeight * problem.kernelWidth];
  return dispatch(target, {
    family: 'conv2d-join',
    about: `Adds the parts of a product in order: partials lie [part][element]; a weight gradient's elements [tap][input channel][output channel], its result OIHW.
An element belongs to one invocation, or to several workers of a workgroup, each with a share of neighbouring parts.
Barrier (with workers): all shares are written before the element's first worker adds them.`,
    key: { toWeight, dtype, workers, bias: bias && weightType },
    bindings: [read('partials'), ...(bias ? [read('bias', weightType)] : []), readWrite('result', dtype)],
    slots: { result: slot },
    scalars: {
      ...u32s({ elements, splits, outChannels }),
      ...(toWeight ? { ...u32s({ groupIn, taps }), perOutChannel: f32(1 / outChannels), perInChannel: f32(1 / groupIn) } : {}),
    },
    workgroups: grid(elements, target, { threads: each }),
    code: ({ toWeight, dtype, workers, bias }) => {
      const threads = threadsOf(workers);
      const each = threads / workers;
      const place = toWeight
        ? `let line = quotient(i, p.outChannels, p.perOutChannel);
    let tap = quotient(line, p.groupIn, p.perInChannel);
    let to = ((i - line * p.outChannels) * p.groupIn + line - tap * p.groupIn) * p.taps + tap;`
        : 'let to = i;';
      const finish = `${place} result[to] = ${dtype}(acc${bias ? ' + f32(bias[i % p.outChannels])' : ''});`;
      const functions = toWeight ? quotientFunction : '';
      if (workers === 1)
        return `${functions}
${entry('i', 'p.elements', { threads })}
  var acc = 0.0;
  for (var s = 0u; s < p.splits; s++) { acc += partials[s * p.elements + i]; }
  ${finish}
}`;
      return `${functions}
var<workgroup> sums: array<f32, ${threads}>;

${mainOf(threads)}
  let worker = lane / ${each}u;
  let i = (wid.x + wid.y * nwg.x) * ${each}u + lane % ${each}u;
  let share = (p.splits + ${workers - 1}u) / ${workers}u;
  var acc = 0.0;
  if (i < p.elements) {
    for (var s = worker * share; s < min((worker + 1u) * share, p.splits); s++) { acc += partials[s * p.elements + i]; }
  }
  sums[lane] = acc;
  // The first worker of an element reads what the others wrote.
  workgroupBarrier();
  if (worker == 0u && i < p.elements) {
    for (var w = 1u; w < ${workers}u; w++) { acc += sums[w * ${each}u + lane]; }
    ${finish}
  }
}`;
    },
  });
}

/** Workers per element such that none walks through many parts alone. One on a CPU, where barriers cost more. */
export function joinWorkers(splits: number, target: Target): number {
  if (target.software) return 1;
  let workers = 1;
  while (workers < 32 && splits / workers > 8) workers *= 2;
  return workers;
}

/** A weight gradient whose sums `partial` leaves in `splits` parts, and the dispatch that joins them: slot `partials` → `dw`. */
export function joinedGradWeight(
  problem: Conv2dProblem,
  { variant, partial, splits, workers }: { variant: string; partial: Dispatch; splits: number; workers?: number },
  target: Target,
): Conv2dPlan {
  const { outChannels } = problem;
  const [taps, groupIn] = [problem.kernelHeight * problem.kernelWidth, problem.inChannels / problem.groups];
  const elements = taps * groupIn * outChannels;
  return {
    variant,
    temporaries: [{ slot: 'partials', bytes: elements * splits * 4 }],
    dispatches: [partial, joinSplits(problem, { slot: 'dw', elements, splits, workers: workers ?? joinWorkers(splits, target) }, target)],
    weightParts: { elements, splits, outChannels, groupIn, taps },
  };
}
