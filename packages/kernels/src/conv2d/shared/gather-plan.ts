import { alongAxes, ceilDiv, heightWidth, type Scalars, s16, u8, u16, u32 } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { phasesOf } from './axis-phase.js';
import type { Conv2dPlan } from './conv2d-plan.js';
import type { Epilogue } from './epilogue.js';
import { joinSplits, joinWorkers } from './join.wgsl.js';
import { packFilters } from './pack.wgsl.js';
import { type Conv2dProblem, type ImageDirection, imagesOf, weightDtype } from './problem.js';

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
  const slots = { source: source.slot, filters: filters ? 'filters' : 'weight', result: splits > 1 ? 'partials' : result.slot };

  const products: Dispatch[] = [];
  let parts = 0;
  for (const y of phasesOf(problem, direction, 0))
    for (const x of phasesOf(problem, direction, 1)) {
      const phased = y.jump > 1 || x.jump > 1;
      const depth = y.taps * x.taps * inner;
      const rows = batch * y.count * x.count;
      // A phase that no tap meets has a depth of 0 either way; kernels divide by the taps of a row, which must not be 0 in their text.
      const noColumns = taps > 1 && x.taps === 0;
      const scalars: Scalars = {
        ...heightWidth('source', source.size),
        ...heightWidth('result', result.size),
        groups: u32(groups),
        inner: u32(inner),
        outer: u32(outer),
        batch: u32(batch),
        ...alongAxes('offset', [y.offset, x.offset], s16),
        ...alongAxes('step', [y.step, x.step], s16),
        ...heightWidth('taps', noColumns ? [0, 1] : [y.taps, x.taps]),
        depth: u32(ceilDiv(ceilDiv(depth, splits), tile.k) * tile.k),
        splits: u16(splits),
        // Vectors of a tile's depth: where kernels are rolled, a loop of a length that the compiler does not know.
        depthQuads: u16(tile.k / 4),
        ...(phased
          ? {
              ...heightWidth('kernel', [problem.kernelHeight, problem.kernelWidth]),
              ...alongAxes('first', [y.first, x.first], u8),
              ...alongAxes('tapFirst', [y.tapFirst, x.tapFirst], u8),
              ...alongAxes('tapStep', [y.tapStep, x.tapStep]),
              ...alongAxes('jump', [y.jump, x.jump]),
              // Where this phase's parts of the epilogue's sums begin.
              ...(epilogue.sums ? { firstPart: u32(parts) } : {}),
            }
          : alongAxes('mul', [y.mul, x.mul])),
      };
      products.push(multiply({ inner, outer, phased, rows, flops: 2 * rows * depth * outer * groups, slots, scalars }));
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
