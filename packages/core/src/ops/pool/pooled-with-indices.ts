import { apply, type Op } from '../../op/op.js';
import { noGrad } from '../../op/tape.js';
import { AllOrNothing } from '../../storage/scope.js';
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from '../pointwise/cast.js';

/** Values of windows, and where in its image each stood: row · width + column, i32; −1 of a window that lies in the padding alone. */
export interface PooledWithIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** What a pooling finds, and where. The values have a gradient. */
export function withIndices<A>(op: Op<A, ['x'], ['y', 'index']>, x: Tensor, attrs: A): PooledWithIndices {
  using whole = new AllOrNothing();
  const { y, index } = apply(op, { x }, attrs);
  return whole.done({ values: y, indices: noGrad(() => cast(index, 'i32')) });
}
