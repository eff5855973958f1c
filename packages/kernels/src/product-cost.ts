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
