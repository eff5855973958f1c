import { physicalShape, type TensorSpec } from './spec.js';

/** Elements between neighbours along each logical dimension, for a dense tensor of this spec. */
export function logicalStrides(spec: Pick<TensorSpec, 'shape' | 'format'>): number[] {
  const strides = rowMajorStrides(physicalShape(spec));
  if (spec.format !== 'channelsLast') return strides;
  const [n, h, w, c] = strides as [number, number, number, number];
  return [n, c, h, w];
}

export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let next = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    strides[d] = next;
    next *= shape[d] as number;
  }
  return strides;
}

/** Order of the logical dimensions in memory: which logical dimension is the k-th slowest. */
export const memoryOrder = (spec: Pick<TensorSpec, 'shape' | 'format'>): number[] =>
  spec.format === 'channelsLast' ? [0, 2, 3, 1] : spec.shape.map((_, d) => d);

/**
 * Strides with which `input` is read while walking through `output`'s dimensions in memory order; 0 where it is
 * broadcast. Shapes are broadcast as PyTorch does (trailing dimensions aligned).
 */
export function broadcastStrides(input: TensorSpec, output: Pick<TensorSpec, 'shape' | 'format'>): number[] {
  const own = logicalStrides(input);
  const lead = output.shape.length - input.shape.length;
  return memoryOrder(output).map((d) => (d < lead || input.shape[d - lead] === 1 ? 0 : (own[d - lead] as number)));
}
