import { checkChoice } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { sameShape } from '../../storage/spec.js';
import { checkTensorOptions } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { permute } from '../views/permute.js';
import { reshape } from '../views/reshape.js';

/** What becomes of the losses of a batch: their mean, their sum, or all of them. */
export type Reduction = 'mean' | 'sum' | 'none';

export const checkReduction = (op: string, reduction: Reduction): void =>
  checkChoice(op, 'reduction', { value: reduction, known: ['mean', 'sum', 'none'] });

// What losses of classes share: shapes [C], [N, C] and [N, C, d₁, …].

export const classesOf = (shape: readonly number[]): number => shape[shape.length === 1 ? 0 : 1] as number;
export const withoutClasses = (shape: readonly number[]): number[] => (shape.length === 1 ? [] : shape.filter((_, d) => d !== 1));

/** As rows of classes. */
export function asRows(x: Tensor): Tensor {
  if (x.ndim === 2) return x;
  const last = x.ndim === 1 ? x : permute(x, [0, ...x.shape.slice(2).map((_, i) => i + 2), 1]);
  return reshape(last, [x.size / Math.max(1, classesOf(x.shape)), classesOf(x.shape)]);
}

interface ClassOptions {
  readonly weight: Tensor | undefined;
  readonly ignoreIndex: number;
  readonly reduction: Reduction;
}

export function checkClassOptions(op: string, { weight, ignoreIndex, reduction }: ClassOptions, classes: number): void {
  checkReduction(op, reduction);
  checkTensorOptions(op, { weight });
  if (!Number.isInteger(ignoreIndex) || Math.abs(ignoreIndex) > 2 ** 31 - 1)
    throw new OpError(op, `ignoreIndex ${ignoreIndex} is no whole number of 32 bits`);
  if (weight && !sameShape(weight.shape, [classes]))
    throw new OpError(op, `weight ${showShape(weight.shape)} should be [${classes}], a number for each class`);
}
