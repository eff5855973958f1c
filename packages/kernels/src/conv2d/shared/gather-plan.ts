import { alongAxes, type BindingSpec, ceilDiv, heightWidth, read, readWrite, type Scalars, s16, u8, u16, u32, u32s } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { type AxisPhase, phasesOf } from './axis-phase.js';
import type { Conv2dPlan } from './conv2d-plan.js';
import { type Epilogue, epilogueBindings, epilogueSlots, storedType } from './epilogue.js';
import { joinSplits, joinWorkers } from './join.wgsl.js';
import { packFilters } from './pack.wgsl.js';
import { biasOf, type Conv2dProblem, type ImageDirection, imagesOf, weightDtype } from './problem.js';

/** How a product's result is divided: its depth in parts, its rows in tiles, its packed filters' columns in vectors. */
export interface GatherCut {
  readonly splits: number;
  /** Rows and depth of a tile. */
  readonly tile: { readonly m: number; readonly k: number };
  readonly columns: 4 | 8;
  readonly epilogue: Epilogue;
}

/** What the text of every kernel of such a product depends on. */
export interface GatherCode {
  readonly dtype: 'f32' | 'f16';
  /** Type of what is stored, where it is not `dtype`. */
  readonly stored: 'f32' | 'f16';
  /** What happens to results before they are stored; only with result channels in fours and one part. */
  readonly epilogue: Epilogue;
  /** One phase of a strided input gradient: results and taps are picked, not contiguous. */
  readonly phased: boolean;
  /** Rows are blocks of result pixels, 0 but for one: a phase that stores the pixels beside its own that no tap meets. */
  readonly spread: boolean;
  /** 1×1 kernel: the depth is the channel. */
  readonly single: boolean;
  /** Type of the bias, where there is one. */
  readonly bias: 'f32' | 'f16' | false;
  /** Results are parts of sums. */
  readonly parts: boolean;
}

/** Type of what such a kernel writes. */
export const gatheredType = ({ parts, stored }: GatherCode): 'f32' | 'f16' => (parts ? 'f32' : stored);

/** One phase of a gather: what its kernel is told. */
export interface GatherPhase {
  /** Channels of a group: of the source, of the result. */
  readonly inner: number;
  readonly outer: number;
  readonly code: GatherCode;
  /** Result pixels, or blocks of them. */
  readonly rows: number;
  readonly flops: number;
  /** The kernel's bindings, source and filters being arrays of these elements. */
  readonly bindings: (elements: Readonly<Record<'source' | 'filters', string>>) => BindingSpec[];
  /** Slots of what the kernel calls otherwise. */
  readonly slots: Readonly<Record<string, string>>;
  readonly scalars: Scalars;
}

/**
 * Forward and input gradient as an implicit matrix product: rows are result pixels, columns result channels, the depth
 * runs over taps and source channels (channels fastest, so that neighbours of the depth are neighbours in an NHWC
 * source). Both directions are the same gather, see `AxisPhase`; a strided input gradient takes one dispatch a phase.
 * Filters are packed to [group][tap][source channel][result channel] first, but for a 1×1 input gradient, whose weights
 * lie so.
 */
export function planGatheredProduct(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { cut, target, variant, multiply }: { cut: GatherCut; target: Target; variant: string; multiply: (phase: GatherPhase) => Dispatch },
): Conv2dPlan {
  const { groups, dtype, batch } = problem;
  const { splits, tile, columns, epilogue } = cut;
  const forward = direction === 'forward';
  const { source, result, inner, outer } = imagesOf(problem, direction);
  const taps = problem.kernelHeight * problem.kernelWidth;
  const elements = batch * result.size[0] * result.size[1] * result.channels;
  const unpacked = !forward && taps === 1 && outer % columns === 0 && weightDtype(problem) === dtype;
  const filters = unpacked ? undefined : packFilters(problem, { forward, groups, inner, outer, multiple: columns }, target);
  const main = { source: source.slot, filters: filters ? 'filters' : 'weight', result: splits > 1 ? 'partials' : result.slot };
  const slots = { ...main, ...epilogueSlots(epilogue) };
  const sizes: Scalars = {
    ...heightWidth('source', source.size),
    ...heightWidth('result', result.size),
    ...u32s({ groups, inner, outer, batch }),
  };

  const products: Dispatch[] = [];
  let parts = 0;
  for (const y of phasesOf(problem, direction, 0))
    for (const x of phasesOf(problem, direction, 1)) {
      const code = codeOf(problem, direction, { cut, phase: [y, x] });
      const rows = batch * y.count * x.count;
      const flops = 2 * rows * y.taps * x.taps * inner * outer * groups;
      const bindings: GatherPhase['bindings'] = (elements) => bindingsOf(problem, code, { ...elements, outer });
      const scalars = { ...sizes, ...phaseScalars(problem, [y, x], { cut, inner, code, firstPart: parts }) };
      products.push(multiply({ inner, outer, code, rows, flops, bindings, slots, scalars }));
      parts += ceilDiv(rows, tile.m);
    }
  const join = { slot: result.slot, elements, splits, workers: joinWorkers(splits, target) };
  return {
    variant,
    temporaries: [...(filters ? [filters.temporary] : []), ...(splits > 1 ? [{ slot: 'partials', bytes: elements * splits * 4 }] : [])],
    dispatches: [...(filters ? [filters.dispatch] : []), ...products, ...(splits > 1 ? [joinSplits(problem, join, target)] : [])],
    ...(filters ? { pack: filters.pack } : {}),
    ...(epilogue.sums ? { parts: { count: parts, rows: tile.m } } : {}),
  };
}

const codeOf = (
  problem: Conv2dProblem,
  direction: ImageDirection,
  { cut: { splits, epilogue }, phase }: { cut: GatherCut; phase: readonly AxisPhase[] },
): GatherCode => ({
  dtype: problem.dtype,
  stored: storedType(problem, epilogue),
  epilogue,
  phased: phase.some(({ jump }) => jump > 1),
  spread: phase.some(({ spread }) => spread > 1),
  single: problem.kernelHeight * problem.kernelWidth === 1,
  bias: splits === 1 && biasOf(problem, direction),
  parts: splits > 1,
});

function bindingsOf(
  problem: Conv2dProblem,
  code: GatherCode,
  { source, filters, outer }: Readonly<Record<'source' | 'filters', string>> & { readonly outer: number },
): BindingSpec[] {
  const type = gatheredType(code);
  return [
    read('source', source),
    read('filters', filters),
    ...(code.bias ? [read('bias', code.bias)] : []),
    readWrite('result', outer % 4 === 0 ? `vec4<${type}>` : type),
    ...epilogueBindings(problem, code.epilogue),
  ];
}

interface PhaseOptions {
  readonly cut: GatherCut;
  readonly inner: number;
  readonly code: GatherCode;
  /** Where this phase's parts of the epilogue's sums begin. */
  readonly firstPart: number;
}

/** Which taps meet which pixels in a phase, and how its depth is walked. */
function phaseScalars(problem: Conv2dProblem, [y, x]: readonly [AxisPhase, AxisPhase], options: PhaseOptions): Scalars {
  const { kernelHeight, kernelWidth } = problem;
  const { cut, inner, code, firstPart } = options;
  // Where no tap meets anything the depth is 0 either way; kernels divide by the taps of a row, which must not be 0 in their text.
  const noColumns = kernelHeight * kernelWidth > 1 && x.taps === 0;
  return {
    ...alongAxes('offset', [y.offset, x.offset], s16),
    ...alongAxes('step', [y.step, x.step], s16),
    ...heightWidth('taps', noColumns ? [0, 1] : [y.taps, x.taps]),
    depth: u32(ceilDiv(ceilDiv(y.taps * x.taps * inner, cut.splits), cut.tile.k) * cut.tile.k),
    splits: u16(cut.splits),
    // Vectors of a tile's depth: where kernels are rolled, a loop of a length that the compiler does not know.
    depthQuads: u16(cut.tile.k / 4),
    ...(code.phased
      ? {
          ...heightWidth('kernel', [kernelHeight, kernelWidth]),
          ...alongAxes('first', [y.first, x.first], u8),
          ...alongAxes('tapFirst', [y.tapFirst, x.tapFirst], u8),
          ...alongAxes('tapStep', [y.tapStep, x.tapStep], u8),
          ...alongAxes('jump', [y.jump, x.jump], u8),
          ...(code.spread ? { ...alongAxes('spread', [y.spread, x.spread], u8), ...alongAxes('met', [y.met, x.met], u8) } : {}),
          ...(cut.epilogue.sums ? { firstPart: u32(firstPart) } : {}),
        }
      : alongAxes('mul', [y.mul, x.mul])),
  };
}
