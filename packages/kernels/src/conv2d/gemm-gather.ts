import { ceilDiv, dispatch, linearGroups, read, readWrite, rolls, type Scalars, u32 } from '../kernel.js';
import type { Dispatch, FilterPack, Plan, Target, Temporary } from '../plan.js';
import { type Epilogue, epilogueBindings, epilogueName, storedType } from './epilogue.js';
import { type GatherCode, gatherCode } from './gemm-gather.wgsl.js';
import { packFilters } from './gemm-pack.wgsl.js';
import { type AxisPhase, forwardPhase, gradInputPhases } from './gemm-phase.js';
import { type GemmChoice, showTile } from './gemm-tile.js';
import { joinSplits, joinWorkers } from './join.wgsl.js';
import { type Conv2dProblem, conv2dOutputSize, showDtypes, weightDtype } from './problem.js';
import { pair } from './scalar-pair.js';

/**
 * Forward and input gradient as an implicit matrix product: rows are result pixels, columns result channels, the depth
 * runs over taps and source channels (channels fastest, so that a quad of the depth is one vector of an NHWC source).
 * Both directions are the same gather, see `AxisPhase`; a strided input gradient takes one dispatch a phase. Filters
 * are packed to [group][tap][source channel][result channel] first, but for a 1×1 input gradient, whose weights lie so.
 */
export function planGatherGemm(
  problem: Conv2dProblem,
  direction: 'forward' | 'gradInput',
  { choice, target, epilogue = {} }: { choice: GemmChoice; target: Target; epilogue?: Epilogue | undefined },
): Plan {
  const forward = direction === 'forward';
  const { groups, dtype } = problem;
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const [groupIn, groupOut] = [problem.inChannels / groups, problem.outChannels / groups];
  const [inner, outer] = forward ? [groupIn, groupOut] : [groupOut, groupIn];
  const taps = problem.kernelHeight * problem.kernelWidth;
  const input: [number, number] = [problem.inHeight, problem.inWidth];
  const sides = forward
    ? { source: input, result: [outHeight, outWidth] as [number, number] }
    : { source: [outHeight, outWidth] as [number, number], result: input };
  const elements = problem.batch * sides.result[0] * sides.result[1] * outer * groups;
  const unpacked = !forward && taps === 1 && outer % 4 === 0 && weightDtype(problem) === dtype;

  const temporaries: Temporary[] = [];
  const dispatches: Dispatch[] = [];
  let pack: FilterPack | undefined;
  if (!unpacked) {
    const width = ceilDiv(outer, 4) * 4;
    const packed = groups * taps * inner * width;
    temporaries.push({ slot: 'filters', bytes: packed * (dtype === 'f16' ? 2 : 4) });
    pack = { forward, taps, inner, outer, width, packed, dtype };
    dispatches.push(packFilters(problem, { forward, inner, outer, packed }, target));
  }
  if (choice.splits > 1) temporaries.push({ slot: 'partials', bytes: elements * choice.splits * 4 });
  const common = { problem, direction, choice, inner, outer, ...sides, unpacked, epilogue };
  const rowsPerPart = choice.tile.m;
  let parts = 0;
  for (const y of forward ? [forwardPhase(problem, 0)] : gradInputPhases(problem, 0))
    for (const x of forward ? [forwardPhase(problem, 1)] : gradInputPhases(problem, 1)) {
      dispatches.push(multiply({ ...common, phase: [y, x], firstPart: parts }, target));
      parts += ceilDiv(problem.batch * y.count * x.count, rowsPerPart);
    }
  if (choice.splits > 1)
    dispatches.push(
      joinSplits(
        problem,
        { slot: forward ? 'y' : 'dx', elements, splits: choice.splits, workers: joinWorkers(choice.splits, target) },
        target,
      ),
    );
  const sums = epilogue.sums ? { parts: { count: parts, rows: rowsPerPart } } : {};
  return { variant: gatherVariant(problem, direction, choice), temporaries, dispatches, ...(pack ? { pack } : {}), ...sums };
}

export function gatherVariant(problem: Conv2dProblem, direction: 'forward' | 'gradInput', { tile, splits }: GemmChoice): string {
  const vector = (problem.inChannels / problem.groups) % 4 === 0 && (problem.outChannels / problem.groups) % 4 === 0;
  return `conv2d-${direction}-gemm-${showTile(tile)}${vector ? '-v4' : ''}${splits > 1 ? `-split${splits}` : ''}`;
}

interface Multiply {
  readonly problem: Conv2dProblem;
  readonly direction: 'forward' | 'gradInput';
  readonly choice: GemmChoice;
  /** Channels of a group: of the source, of the result. */
  readonly inner: number;
  readonly outer: number;
  readonly source: readonly [number, number];
  readonly result: readonly [number, number];
  readonly unpacked: boolean;
  readonly epilogue: Epilogue;
  /** Where this phase's parts of the epilogue's sums begin. */
  readonly firstPart: number;
  readonly phase: readonly [AxisPhase, AxisPhase];
}

function multiply(m: Multiply, target: Target): Dispatch {
  const { problem, direction, inner, outer, phase } = m;
  const { tile, splits } = m.choice;
  const { dtype, groups, batch } = problem;
  const [y, x] = phase;
  const phased = y.jump > 1 || x.jump > 1;
  const bias = direction === 'forward' && problem.bias && splits === 1;
  const code: GatherCode = {
    tile,
    dtype,
    stored: storedType(problem, m.epilogue),
    epilogue: m.epilogue,
    phased,
    single: problem.kernelHeight * problem.kernelWidth === 1,
    bias,
    splits,
    vectorIn: inner % 4 === 0,
    vectorOut: outer % 4 === 0,
    rolled: rolls(target),
  };
  const flags = [
    phased && 'phased',
    code.single && 'single',
    bias && 'bias',
    splits > 1 && 'split',
    code.vectorIn && 'v4in',
    code.vectorOut && 'v4out',
    code.rolled && 'rolled',
  ].filter(Boolean);
  const scalars: Scalars = {
    source: pair(m.source),
    result: pair(m.result),
    groups: u32(groups),
    inner: u32(inner),
    outer: u32(outer),
    batch: u32(batch),
    offset: pair([y.offset, x.offset]),
    step: pair([y.step, x.step]),
    taps: pair([y.taps, x.taps]),
    depth: u32(ceilDiv(ceilDiv(y.taps * x.taps * inner, splits), tile.k) * tile.k),
    // The vectors of a tile's depth beside it: a loop of a length that the compiler does not know.
    splits: pair([splits, tile.k / 4]),
    ...(phased
      ? {
          kernel: pair([problem.kernelHeight, problem.kernelWidth]),
          first: u32(y.first | (x.first << 8) | (y.tapFirst << 16) | (x.tapFirst << 24)),
          tapStep: pair([y.tapStep, x.tapStep]),
          jump: pair([y.jump, x.jump]),
          ...(m.epilogue.sums ? { firstPart: u32(m.firstPart) } : {}),
        }
      : { mul: pair([y.mul, x.mul]) }),
  };
  const blocks = ceilDiv(batch * y.count * x.count, tile.m) * ceilDiv(outer, tile.n) * groups * splits;
  const out = splits > 1 ? 'f32' : code.stored;
  const after = epilogueName(m.epilogue);
  return dispatch(target, {
    name: `conv2d-${direction}-gemm-${showTile(tile)}-${[bias ? showDtypes(problem) : dtype, ...flags].join('-')}${after ? ` ${after}` : ''}`,
    enables: [dtype, code.stored, ...(m.epilogue.chain?.inputs ?? []).map((v) => v.dtype)].includes('f16') ? ['f16'] : [],
    bindings: [
      read('source', code.vectorIn ? `vec4<${dtype}>` : dtype),
      read('filters', `vec4<${dtype}>`),
      ...(bias ? [read('bias', weightDtype(problem))] : []),
      readWrite('result', code.vectorOut ? `vec4<${out}>` : out),
      ...epilogueBindings(problem, m.epilogue),
    ],
    slots: {
      source: direction === 'forward' ? 'x' : 'dy',
      ...(m.unpacked ? { filters: 'weight' } : {}),
      result: splits > 1 ? 'partials' : direction === 'forward' ? 'y' : 'dx',
    },
    // A driver that compiles for the CPU unrolls loops of constant length, for seconds.
    neverBake: rolls(target),
    scalars,
    flops: 2 * batch * y.count * x.count * y.taps * x.taps * inner * outer * groups,
    workgroups: linearGroups(blocks, target),
    code: () => gatherCode(code),
  });
}
