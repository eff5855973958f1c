import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, type Scalar, u32 } from '../kernel.js';
import type { Dispatch, Plan, Target, Temporary } from '../plan.js';
import { mathFunctions } from '../pointwise/math.wgsl.js';

export type ReduceKind = 'sum' | 'max' | 'min';

export interface ReduceProblem {
  readonly kind: ReduceKind;
  /** Input dimensions in memory order. */
  readonly shape: readonly number[];
  /** Which of them are reduced. */
  readonly reduced: readonly boolean[];
  readonly dtype: 'f32' | 'f16';
  /** Type of the result; default: the input's. */
  readonly outDtype?: 'f32' | 'f16';
  /** Multiplies the result (1 / count for a mean). */
  readonly scale?: number;
}

const workgroupSize = 64;

/**
 * Reduce over any dimensions. Slots: x, y (the kept dimensions, in memory order, of the input's type; sums in f32).
 * Where outputs are few, each is computed by several threads over fixed parts, and further passes join the parts in
 * order until one is left: the same bits every time. Threads that sit side by side read side by side: along outputs
 * when the innermost dimension is kept (four at once where they divide), along the reduction when it is not.
 */
export function planReduce(problem: ReduceProblem, target: Target): Plan {
  const merged = merge(problem);
  const inner = merged.reduced.at(-1) === true;
  const last = merged.dims.at(-1) as number;
  const vec = problem.kind === 'sum' && !inner && last % 4 === 0 ? 4 : 1;
  const dims = vec === 4 ? [...merged.dims.slice(0, -1), last / 4] : merged.dims;
  const outputs = dims.reduce((n, d, i) => (merged.reduced[i] ? n : n * d), 1);
  const elements = dims.reduce((n, d, i) => (merged.reduced[i] ? n * d : n), 1);
  if (elements === 0 && problem.kind !== 'sum') throw new RangeError(`kernels: the ${problem.kind} of no elements does not exist`);
  const dispatches: Dispatch[] = [];
  const temporaries: Temporary[] = [];
  let stage: Stage = { dims, reduced: merged.reduced, count: elements, x: 'x', fromType: problem.dtype };
  for (;;) {
    const splits = chooseSplits(outputs, stage.count, target);
    const final = splits === 1;
    const y = final ? 'y' : `partials${temporaries.length}`;
    const toType = final ? (problem.outDtype ?? problem.dtype) : 'f32';
    const scale = final ? (problem.scale ?? 1) : 1;
    dispatches.push(pass({ ...stage, kind: problem.kind, vec, outputs, splits, scale, y, toType }, target));
    if (final) break;
    temporaries.push({ slot: y, bytes: outputs * splits * vec * 4 });
    // Parts lie [outputs, splits] after an inner reduction, [splits, outputs] after an outer one.
    stage = { dims: inner ? [outputs, splits] : [splits, outputs], reduced: [!inner, inner], count: splits, x: y, fromType: 'f32' };
  }
  return { variant: `reduce-${problem.kind}-${inner ? 'inner' : 'outer'}-v${vec}-${dispatches.length}stages`, temporaries, dispatches };
}

interface Stage {
  readonly dims: readonly number[];
  readonly reduced: readonly boolean[];
  /** Elements reduced into one output. */
  readonly count: number;
  readonly x: string;
  readonly fromType: 'f32' | 'f16';
}

interface Pass extends Stage {
  readonly kind: ReduceKind;
  readonly vec: 1 | 4;
  readonly outputs: number;
  readonly splits: number;
  readonly scale: number;
  readonly y: string;
  readonly toType: 'f32' | 'f16';
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

/** Threads of one output: enough to fill the machine, but each with a share that is worth another pass. */
function chooseSplits(outputs: number, count: number, target: Target): number {
  // On a CPU a pass costs more than adding a few hundred numbers.
  const [threads, share] = target.software ? [256, 128] : [65536, 32];
  if (target.software && count <= 512) return 1;
  return Math.max(1, Math.min(ceilDiv(threads, Math.max(1, outputs)), Math.floor(count / share)));
}

function pass(stage: Pass, target: Target): Dispatch {
  const { dims, reduced, kind, vec, fromType, toType, splits, count } = stage;
  const inner = reduced.at(-1) === true;
  const pattern = reduced.map((r) => (r ? 'r' : 'k')).join('');
  const [type, wide] = vec === 4 ? ['vec4f', (t: string) => `vec4<${t}>`] : ['f32', (t: string) => t];
  const scalars: Record<string, Scalar> = {
    outputs: u32(stage.outputs),
    count: u32(count),
    splits: u32(splits),
    chunk: u32(ceilDiv(count, splits)),
    scale: f32(stage.scale),
  };
  dims.forEach((d, i) => {
    scalars[`d${i}`] = u32(d);
  });
  const strides = dims.map((_, i) => dims.flatMap((_, j) => (j > i ? [`p.d${j}`] : [])).join(' * ') || '1u');
  /** Adds to `at` the offset of a flat index over the kept or the reduced dimensions. */
  const offset = (index: string, kept: boolean): string => {
    const lines = [`var rest = ${index};`];
    const picked = dims.flatMap((_, i) => (reduced[i] !== kept ? [i] : [])).reverse();
    picked.forEach((i, k) => {
      if (k === picked.length - 1) lines.push(`at += rest * (${strides[i]});`);
      else lines.push(`at += (rest % p.d${i}) * (${strides[i]}); rest = rest / p.d${i};`);
    });
    return lines.join(' ');
  };
  const step = { sum: 'acc + value', max: 'maxNan(acc, value)', min: 'minNan(acc, value)' }[kind];
  return dispatch(target, {
    name: `reduce-${kind}-${pattern}-${fromType}-${toType}-v${vec}`,
    enables: fromType === 'f16' || toType === 'f16' ? ['f16'] : [],
    bindings: [read('x', wide(fromType)), readWrite('y', wide(toType))],
    slots: { x: stage.x, y: stage.y },
    scalars,
    workgroups: linearGroups(ceilDiv(stage.outputs * splits, workgroupSize), target),
    code: () => `
${kind === 'sum' ? '' : mathFunctions([`${kind}Nan`])}
fn element(base: u32, r: u32) -> ${type} {
  var at = base;
  ${offset('r', false)}
  return ${type}(x[at]);
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
  ${kind === 'sum' ? `var acc = ${type}();` : 'var acc = element(base, min(begin, p.count - 1u));'}
  for (var r = begin; r < end; r += by) { let value = element(base, r); acc = ${step}; }
  y[i] = ${wide(toType)}(acc * p.scale);
}`,
  });
}
