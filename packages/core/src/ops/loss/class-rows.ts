import { OpError } from '../../checks/errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { permute } from '../views/permute.js';
import { reshape } from '../views/reshape.js';

// What losses of classes share: shapes [C], [N, C] and [N, C, d₁, …].

export const classesOf = (shape: readonly number[]): number => shape[shape.length === 1 ? 0 : 1] as number;
export const withoutClasses = (shape: readonly number[]): number[] => (shape.length === 1 ? [] : shape.filter((_, d) => d !== 1));

/** As rows of classes. */
export function asRows(x: Tensor): Tensor {
  if (x.ndim === 2) return x;
  const last = x.ndim === 1 ? x : permute(x, [0, ...x.shape.slice(2).map((_, i) => i + 2), 1]);
  return reshape(last, [x.size / Math.max(1, classesOf(x.shape)), classesOf(x.shape)]);
}

export function checkIgnoreIndex(op: string, ignoreIndex: number): void {
  if (!Number.isInteger(ignoreIndex) || Math.abs(ignoreIndex) > 2 ** 31 - 1)
    throw new OpError(op, `ignoreIndex ${ignoreIndex} is no whole number of 32 bits`);
}
