import { Generator, OpError } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, showValue } from '@initlab/core/internal';

/** A stream of uniform 32-bit unsigned integers. */
export type Uint32Source = () => number;

/**
 * The numbers 0 … count−1 in random order: Fisher–Yates from the end, every order equally likely (PyTorch:
 * `torch.randperm`; the orders themselves differ). The same stream gives the same order on every machine.
 */
export function shuffledOrder(count: number, nextUint32: Uint32Source): Int32Array {
  const order = sequentialOrder(count);
  if (typeof nextUint32 !== 'function')
    throw new OpError('shuffledOrder', `takes a source of numbers, () => generator.uint32(), got ${showValue(nextUint32)}`);
  for (let last = count - 1; last > 0; last--) {
    const other = below(last + 1, nextUint32);
    const kept = order[last] as number;
    order[last] = order[other] as number;
    order[other] = kept;
  }
  return order;
}

/** The numbers 0 … count−1. */
export function sequentialOrder(count: number): Int32Array {
  checkNumber('epochOrder', { count }, { from: 0, to: 2 ** 31 - 1, whole: true });
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** Uniform in 0 … bound−1. Draws that would favour small numbers are thrown away, so there is no bias. */
function below(bound: number, nextUint32: Uint32Source): number {
  const fair = 2 ** 32 - (2 ** 32 % bound);
  for (;;) {
    const draw = nextUint32() >>> 0;
    if (draw < fair) return draw % bound;
  }
}

/** Keeps the shuffles' random numbers apart from what else is drawn with a run's seed. */
const shuffleStream = 0x5348_0000;

/** Options of `epochOrder`. */
export interface EpochOrderOptions {
  readonly seed: number;
  /** From 0 on. */
  readonly epoch: number;
  /** Default true. */
  readonly shuffle?: boolean;
}

/**
 * The order of one epoch's images. It depends on seed and epoch alone, so a resumed run goes on with the order it had.
 * With `shuffle: false` the order of the files.
 */
export function epochOrder(count: number, options: EpochOrderOptions): Int32Array {
  checkOptions('epochOrder', options, ['seed', 'epoch', 'shuffle']);
  const { seed, epoch, shuffle = true } = options;
  checkFlags('epochOrder', { shuffle });
  checkNumber('epochOrder', { epoch }, { from: 0, whole: true });
  if (!shuffle) return sequentialOrder(count);
  const generator = new Generator(seed, { stream: (shuffleStream + epoch) >>> 0 });
  return shuffledOrder(count, () => generator.uint32());
}

/** Options of `batchesOf` and `batchCount`. */
export interface BatchOptions {
  readonly batchSize: number;
  /** Leave out the last batch when it is not full. Default false. */
  readonly dropLast?: boolean;
}

/** How many batches `batchesOf` yields. */
export function batchCount(images: number, options: BatchOptions): number {
  checkOptions('batchesOf', options, ['batchSize', 'dropLast']);
  checkNumber('batchesOf', { images }, { from: 0, whole: true });
  const { batchSize, dropLast = false } = options;
  checkFlags('batchesOf', { dropLast });
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new OpError('batchesOf', `batchSize ${batchSize} is not possible; give a whole number ≥ 1`);
  return dropLast ? Math.floor(images / batchSize) : Math.ceil(images / batchSize);
}

/** Cuts an order into batches of image indices (views, not copies); the last one may be smaller. */
export function* batchesOf(order: Int32Array, options: BatchOptions): IterableIterator<Int32Array> {
  if (!(order instanceof Int32Array))
    throw new OpError('batchesOf', `takes an order (Int32Array), such as epochOrder gives, got ${showValue(order)}`);
  const batches = batchCount(order.length, options);
  for (let i = 0; i < batches; i++) yield order.subarray(i * options.batchSize, (i + 1) * options.batchSize);
}
