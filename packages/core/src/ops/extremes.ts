import { type BackwardRule, applyOne, defineOp } from '../op.js';
import type { Tensor } from '../tensor.js';
import { div, equal, mul } from './binary.js';
import { keptShape, normalizeDims, type ReduceAttrs, type ReduceOptions, reduceParts } from './reduce-parts.js';
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

/** Largest element over `dims`; NaN wins. */
export const amax = (x: Tensor, { dims, keepdim = false }: ReduceOptions = {}): Tensor =>
  applyOne(amaxOp, [x], { kind: 'max', dims: normalizeDims('amax', x, dims), keepdim, scale: 1 });

/** Smallest element over `dims`; NaN wins. */
export const amin = (x: Tensor, { dims, keepdim = false }: ReduceOptions = {}): Tensor =>
  applyOne(aminOp, [x], { kind: 'min', dims: normalizeDims('amin', x, dims), keepdim, scale: 1 });
