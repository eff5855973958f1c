import { ceilDiv, dispatch, linearGroups, read, readWrite, type Scalars, u32 } from '../kernel.js';
import type { Dispatch, FilterPack, Plan, Target, Temporary } from '../plan.js';
import { octetElement, octetWidth } from '../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, showMatrixShape } from '../subgroup-matrix/tile.js';
import { matrixEnables } from '../subgroup-matrix/unit.js';
import { type Epilogue, epilogueBindings, epilogueName, storedType } from './epilogue.js';
import { packFilters } from './gemm-pack.wgsl.js';
import { type AxisPhase, forwardPhase, gradInputPhases } from './gemm-phase.js';
import { joinSplits, joinWorkers } from './join.wgsl.js';
import { type MatrixGatherCode, matrixGatherCode } from './matrix-gather.wgsl.js';
import { type Conv2dProblem, conv2dOutputSize, showDtypes, weightDtype } from './problem.js';
import { pair } from './scalar-pair.js';

/** A way to compute a product on matrix units: tile, unit, and the parts the depth is cut into. */
export interface MatrixChoice extends MatrixShape {
  readonly splits: number;
}

/**
 * Forward and input gradient of a dense convolution on matrix units, the same gather as `planGatherGemm`'s with the
 * operands as halves. Filters are packed to [tap][source channel][result channel] first, in eights of result channels,
 * but for a 1×1 input gradient, whose weights lie so.
 */
export function planMatrixGather(
  problem: Conv2dProblem,
  direction: 'forward' | 'gradInput',
  { choice, target, epilogue = {} }: { choice: MatrixChoice; target: Target; epilogue?: Epilogue | undefined },
): Plan {
  const forward = direction === 'forward';
  const { dtype } = problem;
  const [inner, outer] = forward ? [problem.inChannels, problem.outChannels] : [problem.outChannels, problem.inChannels];
  const output = conv2dOutputSize(problem);
  const input: [number, number] = [problem.inHeight, problem.inWidth];
  const [source, result] = forward ? [input, output] : [output, input];
  const elements = problem.batch * result[0] * result[1] * outer;
  const taps = problem.kernelHeight * problem.kernelWidth;
  const unpacked = !forward && taps === 1 && outer % 8 === 0 && weightDtype(problem) === dtype;

  const temporaries: Temporary[] = [];
  const dispatches: Dispatch[] = [];
  let pack: FilterPack | undefined;
  if (!unpacked) {
    const width = ceilDiv(outer, 8) * 8;
    const packed = taps * inner * width;
    pack = { forward, taps, inner, outer, width, packed, dtype };
    temporaries.push({ slot: 'filters', bytes: packed * (dtype === 'f16' ? 2 : 4) });
    dispatches.push(packFilters(problem, { forward, inner, outer, packed, multiple: 8 }, target));
  }
  if (choice.splits > 1) temporaries.push({ slot: 'partials', bytes: elements * choice.splits * 4 });
  const common = { problem, direction, choice, inner, outer, source, result, unpacked, epilogue };
  const rowsPerPart = choice.tile.m;
  let parts = 0;
  for (const y of forward ? [forwardPhase(problem, 0)] : gradInputPhases(problem, 0))
    for (const x of forward ? [forwardPhase(problem, 1)] : gradInputPhases(problem, 1)) {
      dispatches.push(multiply({ ...common, phase: [y, x], firstPart: parts }, target));
      parts += ceilDiv(problem.batch * y.count * x.count, rowsPerPart);
    }
  if (choice.splits > 1) {
    const workers = joinWorkers(choice.splits, target);
    dispatches.push(joinSplits(problem, { slot: forward ? 'y' : 'dx', elements, splits: choice.splits, workers }, target));
  }
  const sums = epilogue.sums ? { parts: { count: parts, rows: rowsPerPart } } : {};
  return { variant: matrixVariant(direction, choice), temporaries, dispatches, ...(pack ? { pack } : {}), ...sums };
}

export const matrixVariant = (direction: string, { splits, ...shape }: MatrixChoice): string =>
  `conv2d-${direction}-matrix-${showMatrixShape(shape)}${splits > 1 ? `-split${splits}` : ''}`;

interface Multiply {
  readonly problem: Conv2dProblem;
  readonly direction: 'forward' | 'gradInput';
  readonly choice: MatrixChoice;
  /** Channels of the source, of the result. */
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

function multiply(o: Multiply, target: Target): Dispatch {
  const { problem, direction, inner, outer } = o;
  const { splits, ...shape } = o.choice;
  const { tile } = shape;
  const { dtype, batch } = problem;
  const [y, x] = o.phase;
  const code: MatrixGatherCode = {
    ...shape,
    dtype,
    stored: storedType(problem, o.epilogue),
    epilogue: o.epilogue,
    splits,
    phased: y.jump > 1 || x.jump > 1,
    single: problem.kernelHeight * problem.kernelWidth === 1,
    bias: direction === 'forward' && problem.bias && splits === 1,
    width: octetWidth(inner),
    vectorOut: outer % 4 === 0,
  };
  const flags = [
    code.bias ? showDtypes(problem) : dtype,
    `v${code.width}in`,
    code.vectorOut && 'v4out',
    code.phased && 'phased',
    code.single && 'single',
    code.bias && 'bias',
    splits > 1 && 'split',
  ].filter(Boolean);
  const scalars: Scalars = {
    source: pair(o.source),
    result: pair(o.result),
    inner: u32(inner),
    outer: u32(outer),
    batch: u32(batch),
    offset: pair([y.offset, x.offset]),
    step: pair([y.step, x.step]),
    taps: pair([y.taps, x.taps]),
    depth: u32(ceilDiv(ceilDiv(y.taps * x.taps * inner, splits), tile.k) * tile.k),
    splits: u32(splits),
    ...(code.phased
      ? {
          kernel: pair([problem.kernelHeight, problem.kernelWidth]),
          first: u32(y.first | (x.first << 8) | (y.tapFirst << 16) | (x.tapFirst << 24)),
          tapStep: pair([y.tapStep, x.tapStep]),
          jump: pair([y.jump, x.jump]),
          ...(o.epilogue.sums ? { firstPart: u32(o.firstPart) } : {}),
        }
      : { mul: pair([y.mul, x.mul]) }),
  };
  const out = splits > 1 ? 'f32' : code.stored;
  const after = epilogueName(o.epilogue);
  return dispatch(target, {
    name: `conv2d-${direction}-matrix-${showMatrixShape(shape)}-${flags.join('-')}${after ? ` ${after}` : ''}`,
    enables: matrixEnables,
    bindings: [
      read('source', octetElement(dtype, code.width)),
      read('filters', octetElement(dtype, 8)),
      ...(code.bias ? [read('bias', weightDtype(problem))] : []),
      readWrite('result', code.vectorOut ? `vec4<${out}>` : out),
      ...epilogueBindings(problem, o.epilogue),
    ],
    slots: {
      source: direction === 'forward' ? 'x' : 'dy',
      ...(o.unpacked ? { filters: 'weight' } : {}),
      result: splits > 1 ? 'partials' : direction === 'forward' ? 'y' : 'dx',
    },
    scalars,
    flops: 2 * batch * y.count * x.count * y.taps * x.taps * inner * outer,
    workgroups: linearGroups(ceilDiv(batch * y.count * x.count, tile.m) * ceilDiv(outer, tile.n) * splits, target),
    code: () => matrixGatherCode(code),
  });
}
