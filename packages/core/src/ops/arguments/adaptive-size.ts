import type { ResizeProblem } from '@initlab/kernels';
import { checkedPair, type Pair } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { floatType, type TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from './operands.js';

/** Height and width of a result, one number for both; null keeps the input's. */
export type AdaptiveSize = Pair | readonly [height: number | null, width: number | null];

export interface ResizeAttrs {
  readonly xShape: readonly number[];
  readonly outSize: readonly [number, number];
}
export const resizeProblem = ({ xShape, outSize }: ResizeAttrs, dtype: TensorSpec['dtype']): ResizeProblem => {
  const [batch = 0, channels = 0, inHeight = 0, inWidth = 0] = xShape;
  return { batch, channels, inHeight, inWidth, outHeight: outSize[0], outWidth: outSize[1], dtype: floatType(dtype) };
};
export const resizedShape = ({ xShape, outSize }: ResizeAttrs): number[] => [...xShape.slice(0, 2), ...outSize];

/** The input's size where none is asked for; throws for what is no size. */
export function checkedAdaptiveSize(
  op: string,
  outputSize: AdaptiveSize,
  inSize: readonly [number, number] = [1, 1],
): readonly [number, number] {
  const sizes =
    Array.isArray(outputSize) && outputSize.length === 2 ? outputSize.map((size, i) => (size === null ? inSize[i] : size)) : outputSize;
  // Nulls are gone; what else is no pair of sizes is refused.
  return checkedPair(op, { outputSize: sizes as Pair });
}

/** What an adaptive pooling is to do; throws for what is no image or no size. */
export function adaptiveAttrs(op: string, x: Tensor, outputSize: AdaptiveSize): ResizeAttrs {
  checkFloat(op, x);
  const [, , height = 1, width = 1] = x.shape;
  if (x.ndim !== 4) throw new OpError(op, `takes [N, C, H, W], got ${showShape(x.shape)}`);
  return { xShape: x.shape, outSize: checkedAdaptiveSize(op, outputSize, [Math.max(height, 1), Math.max(width, 1)]) };
}

/** Throws where there is nothing to choose from. */
export function refuseNoPixels(op: string, x: Tensor): void {
  if (x.shape.slice(2).includes(0)) throw new OpError(op, `x ${showShape(x.shape)} has images of no pixels`);
}
