import { checkOptions } from '../checks/check-options.js';
import { OpError, showShape } from '../checks/errors.js';
import { type BackwardRule, applyOne, defineOp } from '../op/op.js';
import type { Tensor } from '../tensor/tensor.js';
import { div, equal, mul } from './binary.js';
import { keptShape, type ReduceAttrs, type ReduceOptions, reducedDims, reduceOptions, reduceParts } from './reduce-parts.js';
import { reshape } from './reshape.js';
import { sum } from './sum.js';

/** Elements that tie share the gradient evenly, as PyTorch's amax and amin do. */
const shareAmongTies: BackwardRule<ReduceAttrs> = ({ grads: [g], inputs: [x], outputs: [y], attrs: { dims } }) => {
  if (!g || !x || !y) return [];
  const kept = keptShape(x.shape, dims);
  const ties = equal(x, reshape(y, kept));
  return [mul(ties, div(reshape(g, kept), sum(ties, { dims, keepdim: true })))];
};
const amaxOp = defineOp<ReduceAttrs>({ ...reduceParts, name: 'amax', backward: shareAmongTies, backwardDifferentiable: true });
const aminOp = defineOp<ReduceAttrs>({ ...reduceParts, name: 'amin', backward: shareAmongTies, backwardDifferentiable: true });

function extreme(op: 'amax' | 'amin', x: Tensor, options: ReduceOptions): Tensor {
  checkOptions(op, options, reduceOptions);
  const dims = reducedDims(op, x, options);
  const none = dims.find((d) => x.shape[d] === 0);
  if (none !== undefined) throw new OpError(op, `there is no extreme of nothing: dimension ${none} of ${showShape(x.shape)} has size 0`);
  return applyOne(op === 'amax' ? amaxOp : aminOp, [x], {
    kind: op === 'amax' ? 'max' : 'min',
    dims,
    keepdim: options.keepdim ?? false,
    scale: 1,
  });
}

/**
 * Largest element over `dim` (PyTorch's `amax`); NaN wins, ties share the gradient evenly. Throws where a reduced dimension has
 * size 0.
 */
export const amax = (x: Tensor, options: ReduceOptions = {}): Tensor => extreme('amax', x, options);

/** Smallest element over `dim` (PyTorch's `amin`); otherwise as `amax`. */
export const amin = (x: Tensor, options: ReduceOptions = {}): Tensor => extreme('amin', x, options);
