import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, type BackwardRule } from '../../op/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { div, equal, mul } from '../pointwise/binary.js';
import { defineReduction, keptShape, type ReduceAttrs, type ReduceOptions, reducedDims, reduceOptions } from '../sum/reduce-parts.js';
import { sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';

/** Elements that tie share the gradient evenly, as PyTorch's amax and amin do. */
const shareAmongTies: BackwardRule<ReduceAttrs, ['x0'], ['y0']> = ({ grads, inputs: { x0: x }, outputs, attrs: { dims } }) => {
  const kept = keptShape(x.shape, dims);
  const ties = equal(x, reshape(outputs.y0, kept));
  return { x0: mul(ties, div(reshape(grads.y0, kept), sum(ties, { dims, keepdim: true }))) };
};
const amaxOp = defineReduction({ name: 'amax', backward: shareAmongTies, backwardDifferentiable: true });
const aminOp = defineReduction({ name: 'amin', backward: shareAmongTies, backwardDifferentiable: true });

function extreme(op: 'amax' | 'amin', x: Tensor, options: ReduceOptions): Tensor {
  checkOptions(op, options, reduceOptions);
  const dims = reducedDims(op, x, options);
  const none = dims.find((d) => x.shape[d] === 0);
  if (none !== undefined) throw new OpError(op, `there is no extreme of nothing: dimension ${none} of ${showShape(x.shape)} has size 0`);
  const [runs, kind] = op === 'amax' ? ([amaxOp, 'max'] as const) : ([aminOp, 'min'] as const);
  return applyOne(runs, { x0: x }, { kind, dims, keepdim: options.keepdim ?? false, scale: 1 });
}

/**
 * Largest element over `dim` (PyTorch's `amax`); NaN wins, ties share the gradient evenly. Throws where a reduced dimension has
 * size 0.
 */
export const amax = (x: Tensor, options: ReduceOptions = {}): Tensor => extreme('amax', x, options);

/** Smallest element over `dim` (PyTorch's `amin`); otherwise as `amax`. */
export const amin = (x: Tensor, options: ReduceOptions = {}): Tensor => extreme('amin', x, options);
