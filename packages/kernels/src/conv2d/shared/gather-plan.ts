import { ceilDiv, heightWidth, type Scalars, u16, u32, u8, alongAxes, signedAlongAxes } from '../../kernel.js';
import type { Dispatch, Target, Temporary } from '../../plan.js';
import type { Conv2dPlan, FilterPack } from './conv2d-plan.js';
import type { Epilogue } from './epilogue.js';
import { packFilters } from './pack.wgsl.js';
import { type AxisPhase, forwardPhase, gradInputPhases } from './axis-phase.js';
import { joinSplits, joinWorkers } from './join.wgsl.js';
import { type Conv2dProblem, conv2dOutputSize, weightDtype } from './problem.js';

export type GatherDirection = 'forward' | 'gradInput';

/** How a product's result is divided: its depth in parts, its rows in tiles, its packed filters' columns in vectors. */
export interface GatherCut {
  readonly splits: number;
  /** Rows and depth of a tile. */
  readonly tile: { readonly m: number; readonly k: number };
  readonly columns: 4 | 8;
  readonly epilogue: Epilogue;
}

/** One phase of a gather: what its kernel is told. */
export interface GatherPhase {
  /** Channels of a group: of the source, of the result. */
  readonly inner: number;
  readonly outer: number;
  readonly phase: readonly [AxisPhase, AxisPhase];
  /** Results and taps are picked, not contiguous: a strided input gradient. */
  readonly phased: boolean;
  /** Result pixels. */
  readonly rows: number;
  readonly flops: number;
  /** Slots of the source, the filters and the result. */
  readonly slots: Readonly<Record<'source' | 'filters' | 'result', string>>;
  readonly scalars: Scalars;
}

/**
 * Forward and input gradient as an implicit matrix product: rows are result pixels, columns result channels, the depth
 * runs over taps and source channels (channels fastest, so that neighbours of the depth are neighbours in an NHWC
 * source). Both directions are the same gather, see `AxisPhase`; a strided input gradient takes one dispatch a phase.
 * Filters are packed to [group][tap][source channel][result channel] first, but for a 1×1 input gradient, whose weights
 * lie so.
 */
export function planGather(
  problem: Conv2dProblem,
  direction: GatherDirection,
  { cut, target, variant, multiply }: { cut: GatherCut; target: Target; variant: string; multiply: (phase: GatherPhase) => Dispatch },
): Conv2dPlan {
  const forward = direction === 'forward';
  const { groups, dtype, batch } = problem;
  const { splits, tile, columns, epilogue } = cut;
  const output = conv2dOutputSize(problem);
  const input = [problem.inHeight, problem.inWidth] as const;
  const [source, result] = forward ? [input, output] : [output, input];
  const [groupIn, groupOut] = [problem.inChannels / groups, problem.outChannels / groups];
  const [inner, outer] = forward ? [groupIn, groupOut] : [groupOut, groupIn];
  const taps = problem.kernelHeight * problem.kernelWidth;
  const elements = batch * result[0] * result[1] * outer * groups;
  const unpacked = !forward && taps === 1 && outer % columns === 0 && weightDtype(problem) === dtype;
  const y = forward ? 'y' : 'dx';
  const slots = { source: forward ? 'x' : 'dy', filters: unpacked ? 'weight' : 'filters', result: splits > 1 ? 'partials' : y };

  const temporaries: Temporary[] = [];
  const dispatches: Dispatch[] = [];
  let pack: FilterPack | undefined;
  if (!unpacked) {
    const width = ceilDiv(outer, columns) * columns;
    const packed = groups * taps * inner * width;
    pack = { forward, taps, inner, outer, width, packed, dtype };
    temporaries.push({ slot: 'filters', bytes: packed * (dtype === 'f16' ? 2 : 4) });
    dispatches.push(packFilters(problem, { forward, inner, outer, packed, multiple: columns }, target));
  }
  if (splits > 1) temporaries.push({ slot: 'partials', bytes: elements * splits * 4 });

  let parts = 0;
  for (const v of forward ? [forwardPhase(problem, 0)] : gradInputPhases(problem, 0))
    for (const h of forward ? [forwardPhase(problem, 1)] : gradInputPhases(problem, 1)) {
      const phased = v.jump > 1 || h.jump > 1;
      const depth = v.taps * h.taps * inner;
      const rows = batch * v.count * h.count;
      // A phase that no tap meets has a depth of 0 either way; kernels divide by the taps of a row, which must not be 0 in their text.
      const noColumns = taps > 1 && h.taps === 0;
      const scalars: Scalars = {
        ...heightWidth('source', source),
        ...heightWidth('result', result),
        groups: u32(groups),
        inner: u32(inner),
        outer: u32(outer),
        batch: u32(batch),
        ...signedAlongAxes('offset', [v.offset, h.offset]),
        ...signedAlongAxes('step', [v.step, h.step]),
        ...heightWidth('taps', noColumns ? [0, 1] : [v.taps, h.taps]),
        depth: u32(ceilDiv(ceilDiv(depth, splits), tile.k) * tile.k),
        splits: u16(splits),
        // Vectors of a tile's depth: where kernels are rolled, a loop of a length that the compiler does not know.
        depthQuads: u16(tile.k / 4),
        ...(phased
          ? {
              ...heightWidth('kernel', [problem.kernelHeight, problem.kernelWidth]),
              firstY: u8(v.first),
              firstX: u8(h.first),
              tapFirstY: u8(v.tapFirst),
              tapFirstX: u8(h.tapFirst),
              ...alongAxes('tapStep', [v.tapStep, h.tapStep]),
              ...alongAxes('jump', [v.jump, h.jump]),
              // Where this phase's parts of the epilogue's sums begin.
              ...(epilogue.sums ? { firstPart: u32(parts) } : {}),
            }
          : alongAxes('mul', [v.mul, h.mul])),
      };
      dispatches.push(multiply({ inner, outer, phase: [v, h], phased, rows, flops: 2 * rows * depth * outer * groups, slots, scalars }));
      parts += ceilDiv(rows, tile.m);
    }
  if (splits > 1) dispatches.push(joinSplits(problem, { slot: y, elements, splits, workers: joinWorkers(splits, target) }, target));
  const sums = epilogue.sums ? { parts: { count: parts, rows: tile.m } } : {};
  return { variant, temporaries, dispatches, ...(pack ? { pack } : {}), ...sums };
}
