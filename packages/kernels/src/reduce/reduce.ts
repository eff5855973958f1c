import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';

export type ReduceKind = 'sum' | 'max' | 'min';

export interface ReduceProblem {
  readonly kind: ReduceKind;
  /** Input dimensions in memory order. */
  readonly shape: readonly number[];
  /** Which of them are reduced. */
  readonly reduced: readonly boolean[];
  readonly dtype: 'f32' | 'f16';
  /** Multiplies the result (1 / count for a mean). */
  readonly scale?: number;
}

const workgroupSize = 64;
/** Parts a reduction is split into at most: a second pass adds them in one thread, in order. */
const maxSplits = 256;

/**
 * Reduce over any dimensions. Slots: x, y (the kept dimensions, in memory order, f32 or the input's type).
 * Every output is computed by `splits` threads, each over a fixed part, and a second pass joins the parts in order: the
 * same bits every time. Threads that sit side by side read side by side: along outputs when the innermost dimension is
 * kept, along the reduction when it is not.
 */
export function planReduce(problem: ReduceProblem, target: Target): Plan {
  const { dims, reduced } = merge(problem);
  const outputs = dims.reduce((n, d, i) => (reduced[i] ? n : n * d), 1);
  const count = dims.reduce((n, d, i) => (reduced[i] ? n * d : n), 1);
  const innerReduced = reduced.at(-1) === true;
  const splits = chooseSplits(outputs, count, target);
  const variant = `reduce-${problem.kind}-${innerReduced ? 'inner' : 'outer'}-${splits > 1 ? 'split' : 'whole'}`;
  const scale = problem.scale ?? 1;
  if (splits === 1) return { variant, temporaries: [], dispatches: [pass({ ...problem, dims, reduced, outputs, count, splits, scale, x: 'x', y: 'y' }, target)] };
  const partial = { ...problem, dims, reduced, outputs, count, splits, scale: 1, x: 'x', y: 'partials' };
  // Parts lie [outputs, splits] after an inner reduction, [splits, outputs] after an outer one.
  const joinDims = innerReduced ? [outputs, splits] : [splits, outputs];
  const join = { ...problem, dims: joinDims, reduced: [!innerReduced, innerReduced], outputs, count: splits, splits: 1, scale, x: 'partials', y: 'y' };
  return {
    variant,
    temporaries: [{ slot: 'partials', bytes: outputs * splits * 4 }],
    dispatches: [pass(partial, target), pass(join, target)],
  };
}

interface Pass extends ReduceProblem {
  readonly dims: readonly number[];
  readonly outputs: number;
  readonly count: number;
  readonly splits: number;
  readonly scale: number;
  readonly x: string;
  readonly y: string;
}

/** Join neighbouring dimensions that are all kept or all reduced; drop those of size 1. */
function merge({ shape, reduced }: ReduceProblem): { dims: number[]; reduced: boolean[] } {
  const dims: number[] = [];
  const flags: boolean[] = [];
  shape.forEach((size, d) => {
    if (size === 1) return;
    const flag = reduced[d] === true;
    if (flags.at(-1) === flag) dims[dims.length - 1] = (dims.at(-1) as number) * size;
    else {
      dims.push(size);
      flags.push(flag);
    }
  });
  if (dims.length === 0) return { dims: [1], reduced: [true] };
  return { dims, reduced: flags };
}

/** Enough threads to fill the machine, each with at least 32 elements. */
function chooseSplits(outputs: number, count: number, target: Target): number {
  const threads = target.software ? 512 : 65536;
  return Math.max(1, Math.min(maxSplits, ceilDiv(threads, Math.max(1, outputs)), Math.floor(count / 32)));
}

function pass(problem: Pass, target: Target): Dispatch {
  const { dims, reduced, kind } = problem;
  const inner = reduced.at(-1) === true;
  const rank = dims.length;
  const pattern = reduced.map((r) => (r ? 'r' : 'k')).join('');
  const inType = problem.x === 'partials' ? 'f32' : problem.dtype;
  const outType = problem.y === 'partials' ? 'f32' : problem.dtype;
  const threads = problem.outputs * problem.splits;
  const scalars: Record<string, ReturnType<typeof u32 | typeof f32>> = {
    outputs: u32(problem.outputs),
    count: u32(problem.count),
    splits: u32(problem.splits),
    chunk: u32(ceilDiv(problem.count, problem.splits)),
    scale: f32(problem.scale),
  };
  dims.forEach((d, i) => Object.assign(scalars, { [`d${i}`]: u32(d) }));
  const strides = dims.map((_, i) => dims.slice(i + 1).map((_, j) => `p.d${i + 1 + j}`).join(' * ') || '1u');
  const offset = (index: string, kept: boolean): string => {
    const lines = [`var rest = ${index};`];
    const picked = dims.map((_, i) => i).filter((i) => reduced[i] !== kept);
    picked.reverse().forEach((i, k) => {
      if (k === picked.length - 1) lines.push(`at += rest * (${strides[i]});`);
      else lines.push(`at += (rest % p.d${i}) * (${strides[i]}); rest = rest / p.d${i};`);
    });
    return lines.join(' ');
  };
  const start = { sum: '0.0', max: 'first', min: 'first' }[kind];
  const step = { sum: 'acc + value', max: 'maxNan(acc, value)', min: 'minNan(acc, value)' }[kind];
  return dispatch(target, {
    name: `reduce-${kind}-${pattern}-${inType}-${outType}-${inner ? 'inner' : 'outer'}`,
    enables: inType === 'f16' || outType === 'f16' ? ['f16'] : [],
    bindings: [read('x', inType), readWrite('y', outType)],
    slots: { x: problem.x, y: problem.y },
    scalars,
    workgroups: linearGroups(ceilDiv(threads, workgroupSize), target),
    code: () => `
${kind === 'sum' ? '' : mathFunctions([`${kind}Nan`])}
fn element(base: u32, r: u32) -> f32 {
  var at = base;
  ${offset('r', false)}
  return f32(x[at]);
}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.outputs * p.splits) { return; }
  ${inner ? 'let o = i / p.splits; let s = i % p.splits;' : 'let o = i % p.outputs; let s = i / p.outputs;'}
  var at = 0u;
  { ${offset('o', true)} }
  let base = at;
  ${
    inner
      ? 'let begin = s; let end = p.count; let by = p.splits;'
      : 'let begin = min(s * p.chunk, p.count); let end = min(begin + p.chunk, p.count); let by = 1u;'
  }
  ${kind === 'sum' ? '' : 'let first = element(base, min(begin, p.count - 1u));'}
  var acc = ${start};
  for (var r = begin; r < end; r += by) { let value = element(base, r); acc = ${step}; }
  y[i] = ${outType}(acc * p.scale);
}`,
  });
}
