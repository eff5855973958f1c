import type { DType } from '@initlab/kernels';
import { OpError, showValue } from './errors.js';

/** What whole numbers of a type are between. */
export const wholeRanges: Partial<Record<DType, readonly [number, number]>> = { i32: [-(2 ** 31), 2 ** 31 - 1], u32: [0, 2 ** 32 - 1] };

/**
 * Throws for what a tensor of this type cannot hold, where JavaScript would make 0 or NaN of it in silence: something else than
 * numbers, and among whole numbers NaN, infinities and what is out of range. Fractions are cut off, as PyTorch does.
 */
export function checkValues(op: string, data: unknown, dtype: DType): asserts data is ArrayLike<number> {
  const list = data as ArrayLike<unknown> | null | undefined;
  if (typeof list !== 'object' || typeof list?.length !== 'number' || list instanceof BigInt64Array || list instanceof BigUint64Array)
    throw new OpError(op, `takes an array of numbers in row-major order, got ${showValue(data)}`);
  const range = wholeRanges[dtype];
  const isFloats = list instanceof Float32Array || list instanceof Float64Array;
  if (ArrayBuffer.isView(list) && !(range && isFloats)) return;
  const [least, most] = range ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value !== 'number') throw new OpError(op, `element ${i} is ${showValue(value)}; give numbers, in one flat array`);
    if (range && !(Math.trunc(value) >= least && Math.trunc(value) <= most))
      throw new OpError(op, `element ${i} is ${value}, which is no ${dtype}; give whole numbers from ${least} to ${most}`);
  }
}
