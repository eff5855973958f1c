import type { Lines } from '@initlab/kernels';
import { sizeOf, type TensorSpec } from '../../storage/spec.js';
import { memoryOrder } from '../../storage/strides.js';

/** A dimension as the tensor's memory has it. */
export function linesOf(spec: Pick<TensorSpec, 'shape' | 'format'>, dim: number): Lines {
  const order = memoryOrder(spec);
  const sizes = order.map((d) => spec.shape[d] as number);
  const at = order.indexOf(dim);
  return { outer: sizeOf(sizes.slice(0, at)), length: sizes[at] ?? 1, inner: sizeOf(sizes.slice(at + 1)) };
}
