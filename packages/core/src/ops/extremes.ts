import { checkOptions } from '../check-options.js';
import { type BackwardRule, applyOne, defineOp } from '../op.js';
import type { Tensor } from '../tensor.js';
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

/** Largest element over `dim` (PyTorch's `amax`); NaN wins, ties share the gradient evenly. */
export function amax(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOptions('amax', options, reduceOptions);
  return applyOne(amaxOp, [x], { kind: 'max', dims: reducedDims('amax', x, options), keepdim: options.keepdim ?? false, scale: 1 });
}

/** Smallest element over `dim` (PyTorch's `amin`); otherwise as `amax`. */
export function amin(x: Tensor, options: ReduceOptions = {}): Tensor {
  checkOptions('amin', options, reduceOptions);
  return applyOne(aminOp, [x], { kind: 'min', dims: reducedDims('amin', x, options), keepdim: options.keepdim ?? false, scale: 1 });
}
