import { ceilDiv, dispatch, f32, grid, read, readWrite, u32s } from '../kernel.js';
import type { Dispatch, Plan, Target, Temporary } from '../plan.js';
import type { PointwiseChain } from '../pointwise/chain.js';
import { collapse } from '../pointwise/collapse.js';
import { sizeScalars, strideScalars } from '../pointwise/coordinates.js';
import { chainScalars } from '../pointwise/lane-code.js';
import { loadsAhead } from '../run-ahead.js';
import { type ChainPass, chainPassCode, chainPassText, inputType } from './chain-pass.wgsl.js';
import { joinPassCode } from './join-pass.wgsl.js';
import type { ReduceKind, ReduceResult } from './kind.js';
import { bakeOfWalk, chooseSplits, walkOf } from './walk.js';

export interface ChainReduceProblem {
  readonly kind: ReduceKind;
  /** What is reduced, in the making: a single input and no steps where a tensor is reduced as it lies. */
  readonly chain: PointwiseChain;
  /** Which dimensions of the chain's space are reduced. */
  readonly reduced: readonly boolean[];
  /** One per output of the chain, at least one of them reduced. */
  readonly results: readonly ReduceResult[];
}

/**
 * Reduce what a chain makes over any dimensions, without storing it. Slots: x0, x1, … and y0, y1, … (of a reduced output
 * the kept dimensions, in memory order). Sums are f32 inside.
 *
 * Where outputs are few, each is computed by several threads over fixed parts, and further passes join the parts in
 * order until one is left: the same bits every time. Threads that sit side by side read side by side: along outputs when
 * the innermost dimension is kept, along the reduction when it is not; each takes four neighbours where they divide.
 */
export function planChainReduce(problem: ChainReduceProblem, target: Target): Plan {
  const { kind, results } = problem;
  const { chain, reduced } = collapseReduce(problem);
  const { inner, lanes, dims, outputs, count } = walkOf(chain, reduced);
  if (count === 0 && kind !== 'sum') throw new RangeError(`kernels: the ${kind} of no elements does not exist`);

  const reducedAt = results.flatMap((result, i) => (result === 'whole' ? [] : [i]));
  const vec = inner ? 1 : lanes;
  const dispatches: Dispatch[] = [];
  const temporaries: Temporary[] = [];
  /** Where a pass leaves its values: in the results, or in parts for the next. */
  const place = (splits: number): string | undefined => {
    if (splits === 1) return undefined;
    const slot = `parts${temporaries.length}`;
    temporaries.push({ slot, bytes: reducedAt.length * splits * outputs * vec * 4 });
    return slot;
  };
  let splits = chooseSplits(outputs, count, target);
  let parts = place(splits);
  const pass: ChainPass = { kind, chain, dims, reduced, results, lanes, final: parts === undefined };
  dispatches.push(chainPass(pass, { outputs, count, splits, parts }, target));
  while (parts !== undefined) {
    const [from, count] = [parts, splits];
    splits = chooseSplits(outputs * reducedAt.length, count, target);
    parts = place(splits);
    dispatches.push(joinPass(pass, from, { outputs, count, splits, parts }, target));
  }
  return { variant: `reduce-${kind}-${chainPassText(pass)}-${dispatches.length}stages`, temporaries, dispatches };
}

/** Neighbouring dimensions joined that all operands walk through without a break and that are all kept or all reduced. */
export function collapseReduce({ chain, reduced }: Pick<ChainReduceProblem, 'chain' | 'reduced'>): {
  chain: PointwiseChain;
  reduced: boolean[];
} {
  // The result is an operand too: it stands still along what is reduced.
  const result: number[] = [];
  let next = 1;
  for (let d = chain.shape.length - 1; d >= 0; d--) {
    result[d] = reduced[d] ? 0 : next;
    if (!reduced[d]) next *= Math.max(1, chain.shape[d] as number);
  }
  const { shape, inputs } = collapse(chain.shape, [result, ...chain.inputs.map((x) => x.strides)]);
  return {
    chain: { ...chain, shape, inputs: chain.inputs.map((x, i) => ({ ...x, strides: inputs[i + 1] as number[] })) },
    reduced: (inputs[0] as number[]).map((stride) => stride === 0),
  };
}

/** `count` values of each output are cut into `splits`, which go to the slot `parts` or are the results. */
interface PassSizes {
  readonly outputs: number;
  readonly count: number;
  readonly splits: number;
  readonly parts: string | undefined;
}

/** Neighbouring outputs that are stored at once. */
const vecOf = ({ reduced, lanes }: ChainPass): 1 | 4 => (reduced.at(-1) === true ? 1 : lanes);

function chainPass(pass: ChainPass, { outputs, count, splits, parts }: PassSizes, target: Target): Dispatch {
  const { chain, dims, results, lanes, final } = pass;
  const written = results.flatMap((result, i) => (final || result === 'whole' ? [i] : []));
  const vec = vecOf(pass);
  const type = (i: number): string => {
    const { dtype } = chain.outputs[i] as PointwiseChain['outputs'][number];
    return (results[i] === 'whole' ? lanes : vec) === 4 ? `vec4<${dtype}>` : dtype;
  };
  return dispatch(target, {
    family: `reduce-${pass.kind}`,
    about: `Elements of a chain of pointwise ops, reduced. d are sizes, s strides of the operands in vectors. Reduced elements are cut into splits;
an invocation owns one split of one output (of a vector of them), and parts lie [output of the chain][split][output]. No barriers.`,
    key: { pass },
    show: { pass: chainPassText },
    bindings: [
      ...chain.inputs.map((x, i) => read(`x${i}`, inputType(x, lanes))),
      ...written.map((i) => readWrite(`y${i}`, type(i))),
      ...(parts === undefined ? [] : [readWrite('parts', vec === 4 ? 'vec4f' : 'f32')]),
    ],
    slots: parts === undefined ? {} : { parts },
    bake: bakeOfWalk(pass.reduced),
    scalars: {
      ...u32s({ outputs, count, splits, chunk: ceilDiv(count, splits) }),
      ...sizeScalars(dims, 0),
      ...strideScalars(Object.fromEntries(chain.inputs.map(({ strides }, i) => [`s${i}_`, strides])), lanes),
      ...(final ? Object.fromEntries(results.flatMap((by, i) => (by === 'whole' ? [] : [[`scale${i}`, f32(by)]]))) : {}),
      ...chainScalars(chain),
    },
    workgroups: grid(outputs * splits, target),
    code: ({ pass }) => chainPassCode(pass),
  });
}

/** Parts of all reduced outputs in the slot `from`, [output of the chain][part][element], joined to fewer or to the results. */
function joinPass(pass: ChainPass, from: string, { outputs, count, splits, parts }: PassSizes, target: Target): Dispatch {
  const { kind, chain, results } = pass;
  const vec = vecOf(pass);
  const at = results.flatMap((result, i) => (result === 'whole' ? [] : [i]));
  const dtypes = at.map((i) => chain.outputs[i]?.dtype ?? 'f32');
  const wide = (type: string): string => (vec === 4 ? `vec4<${type}>` : type);
  const final = parts === undefined;
  return dispatch(target, {
    family: `reduce-${kind}-join`,
    about:
      "Joins a reduction's splits in order: x lies [output of the chain][split][output]. An invocation owns one output, or a share of its splits. No barriers.",
    key: { kind, vec, types: final ? dtypes.map(wide) : undefined, results: at.length, ahead: loadsAhead(target, count / splits) },
    show: { types: (types) => types?.join('-') ?? '' },
    bindings: [
      read('x', wide('f32')),
      ...(final ? dtypes.map((dtype, k) => readWrite(`y${k}`, wide(dtype))) : [readWrite('parts', wide('f32'))]),
    ],
    slots: { x: from, ...(final ? Object.fromEntries(at.map((i, k) => [`y${k}`, `y${i}`])) : { parts }) },
    bake: 'shared',
    scalars: {
      ...u32s({ outputs, count, splits, chunk: ceilDiv(count, splits) }),
      ...(final ? Object.fromEntries(at.map((i, k) => [`scale${k}`, f32(results[i] as number)])) : {}),
    },
    workgroups: grid(outputs * splits * at.length, target),
    code: joinPassCode,
  });
}
