import { type Bake, ceilDiv } from '../kernel.js';
import type { Target } from '../plan.js';
import type { PointwiseChain } from '../pointwise/chain.js';
import { inVectors, readableInFours } from '../pointwise/coordinates.js';

/** Dimensions that are kept, or those that are reduced. */
export const picked = (reduced: readonly boolean[], kept: boolean): number[] => reduced.flatMap((r, d) => (r === kept ? [] : [d]));

/** How a collapsed space is walked: neighbours taken at once, sizes in these vectors, and how many outputs there are of how many values each. */
export function walkOf({ shape, inputs }: Pick<PointwiseChain, 'shape' | 'inputs'>, reduced: readonly boolean[]) {
  const lanes = (shape.at(-1) as number) % 4 === 0 && inputs.every((x) => readableInFours(x.strides)) ? 4 : 1;
  const dims = inVectors(shape, lanes);
  const sizeOf = (kept: boolean): number => picked(reduced, kept).reduce((n, d) => n * (dims[d] as number), 1);
  return { inner: reduced.at(-1) === true, lanes, dims, outputs: sizeOf(true), count: sizeOf(false) } as const;
}

/** Threads of one output: enough to fill the machine, but each with a share that is worth another pass. */
export function chooseSplits(outputs: number, count: number, target: Target): number {
  // On a CPU a pass costs more than adding a few hundred numbers.
  const [threads, share] = target.software ? [256, 128] : [65536, 32];
  if (target.software && count <= 512) return 1;
  return Math.max(1, Math.min(ceilDiv(threads, Math.max(1, outputs)), Math.floor(count / share)));
}

/**
 * How a kernel is baked whose threads walk over the reduced dimensions: where several are reduced, each step of a walk divides by their
 * sizes, which takes a CPU driver long unless it knows them.
 */
export const bakeOfWalk = (reduced: readonly boolean[]): Bake => (reduced.filter(Boolean).length > 1 ? 'sizes' : 'shared');

/** WGSL: which output `o`, and which of its splits `s`, invocation `i` has. Those side by side read side by side. */
export const ownSplit = (inner: boolean): string =>
  inner ? 'let o = i / p.splits; let s = i % p.splits;' : 'let o = i % p.outputs; let s = i / p.outputs;';
/** WGSL: the values of split `s`, those from `begin` on, every `by`-th where splits read side by side. */
export const splitRange = (inner: boolean): string =>
  inner
    ? 'let begin = s; let end = p.count; let by = p.splits;'
    : 'let begin = min(s * p.chunk, p.count); let end = min(begin + p.chunk, p.count); let by = 1u;';
