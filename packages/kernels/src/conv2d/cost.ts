import { ceilDiv } from '../kernel.js';
import type { Target } from '../plan.js';
import { forwardPhase, gradInputPhases } from './gemm-phase.js';
import { type GemmChoice, type GemmTile, tileThreads } from './gemm-tile.js';
import { type Conv2dDirection, type Conv2dProblem, conv2dFlops, conv2dOutputSize } from './problem.js';

/*
 * A rough clock of a large GPU, in multiply-adds of one multiprocessor; it ranks candidates and chooses splits. The
 * tuner measures. Adapters do not tell how many multiprocessors they have: with fewer, tiles only come in more waves.
 */
export const processors = 132;
/** Invocations that keep a multiprocessor's lanes busy, and what of it one can hold. */
export const busyThreads = 256;
export const residentThreads = 512;
/** Multiply-adds lost to one more dispatch (2 µs), and to one byte through memory. */
export const dispatchCost = 430_000;
export const byteCost = 0.08;
/** What one multiply-add of the direct kernel costs: two loads each. */
const directCost = 10;
export const mostPartialBytes = 64 * 2 ** 20;

export interface ProductSize {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Independent products of this size: groups and phases. */
  readonly products: number;
  /** Elements of the whole result. */
  readonly elements: number;
  readonly dispatches: number;
}

export function sizeOf(p: Conv2dProblem, direction: Conv2dDirection): ProductSize {
  const [outHeight, outWidth] = conv2dOutputSize(p);
  const [groupIn, groupOut] = [p.inChannels / p.groups, p.outChannels / p.groups];
  const taps = p.kernelHeight * p.kernelWidth;
  if (direction === 'gradWeight')
    return {
      rows: taps * groupIn,
      columns: groupOut,
      depth: p.batch * outHeight * outWidth,
      products: p.groups,
      elements: taps * groupIn * p.outChannels,
      dispatches: 1,
    };
  if (direction === 'forward') {
    const rows = p.batch * forwardPhase(p, 0).count * forwardPhase(p, 1).count;
    return { rows, columns: groupOut, depth: taps * groupIn, products: p.groups, elements: rows * p.outChannels, dispatches: 1 };
  }
  const phases = gradInputPhases(p, 0).length * gradInputPhases(p, 1).length;
  const pixels = p.batch * p.inHeight * p.inWidth;
  return {
    rows: ceilDiv(pixels, phases),
    columns: groupIn,
    depth: ceilDiv(taps * groupOut, phases),
    products: p.groups,
    elements: pixels * p.inChannels,
    dispatches: phases,
  };
}

/** The best number of parts for a tile (one where the result must be `whole`), and what the product then costs. */
export function gemmCost(
  problem: Conv2dProblem,
  direction: Conv2dDirection,
  { tile, target, whole = false }: { tile: GemmTile; target: Target; whole?: boolean },
): GemmChoice & { cost: number } {
  const size = sizeOf(problem, direction);
  const limit = Math.min(mostPartialBytes, target.maxStorageBinding) / (size.elements * 4);
  let best = { tile, splits: 1, cost: splitCost(size, tile, 1, direction === 'gradWeight') };
  if (whole) return best;
  for (let splits = 2; splits <= Math.min(limit, 512, size.depth / (2 * tile.k)); splits *= 2) {
    const cost = splitCost(size, tile, splits, true);
    if (cost < best.cost) best = { tile, splits, cost };
  }
  return best;
}

function splitCost(size: ProductSize, tile: GemmTile, splits: number, joined: boolean): number {
  const blocks = ceilDiv(size.rows, tile.m) * ceilDiv(size.columns, tile.n) * size.products * splits;
  const depth = ceilDiv(ceilDiv(size.depth, splits), tile.k) * tile.k;
  // Loads from workgroup memory fall with the invocation's block, loads from memory with the workgroup's.
  const perMultiply = 1 + 2 / tile.threadM + 2 / tile.threadN + 16 / tile.m + 16 / tile.n;
  const block = tile.m * tile.n * (depth * perMultiply + 32);
  const threads = tileThreads(tile);
  const perProcessor = ceilDiv(blocks, processors);
  const busy = Math.min(1, (Math.min(perProcessor, Math.max(1, residentThreads / threads)) * threads) / busyThreads);
  const join = joined ? dispatchCost + size.elements * splits * 8 * byteCost : 0;
  return (perProcessor * block) / busy + (size.dispatches - 1) * dispatchCost + join;
}

/** What the direct kernel costs. */
export function directKernelCost(problem: Conv2dProblem, direction: Conv2dDirection): number {
  const { elements, depth } = sizeOf(problem, direction);
  const work = (conv2dFlops(problem) / 2) * directCost;
  // One long loop an element: few elements leave the machine idle (a weight gradient cuts its pixels into 64 parts).
  const invocations = direction === 'gradWeight' ? elements * Math.min(64, ceilDiv(depth, 256)) : elements;
  return work / Math.min(processors, Math.max(1, invocations / busyThreads));
}

/** What an epilogue saves: the dispatches of a chain and of sums, and results stored once and read twice. */
export const epilogueSaves = (problem: Conv2dProblem, direction: Conv2dDirection): number =>
  2 * dispatchCost + sizeOf(problem, direction).elements * 12 * byteCost;

/** What the window kernel costs: loads from workgroup memory are few, those from memory bring each pixel once and its margin. */
export function windowCost(problem: Conv2dProblem, direction: 'forward' | 'gradInput'): number {
  const { rows, columns, depth, elements } = sizeOf(problem, direction);
  const blocks = rows / 256;
  const source = rows * (depth / (problem.kernelHeight * problem.kernelWidth)) * 4 * 1.4;
  const perProcessor = ceilDiv(blocks, processors) * 256 * columns * depth * 1.2;
  const busy = Math.min(1, ((blocks / processors) * 64 * ceilDiv(columns, 16)) / busyThreads);
  return perProcessor / Math.max(busy, 0.1) + (source + elements * 4) * byteCost * 0.5;
}
