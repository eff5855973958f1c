import { OpError, showShape } from '../errors.js';
import { sameShape } from '../spec.js';
import type { Tensor } from '../tensor.js';
import { div, mul } from './binary.js';
import { sum } from './sum.js';
import { sqrt, square } from './unary.js';

/**
 * Weight normalisation w = g · v / ‖v‖, the norm over each output channel (PyTorch's `weight_norm` with dim 0,
 * arXiv:1602.07868). `v` has the weight's shape, `g` the same rank with every size 1 but the first.
 */
export function weightNorm(v: Tensor, g: Tensor): Tensor {
  const wanted = v.shape.map((d, i) => (i === 0 ? d : 1));
  if (!sameShape(g.shape, wanted)) throw new OpError('weightNorm', `g ${showShape(g.shape)} should be ${showShape(wanted)} for v ${showShape(v.shape)}`);
  const dims = v.shape.flatMap((_, i) => (i === 0 ? [] : [i]));
  return mul(v, div(g, sqrt(sum(square(v), { dims, keepdim: true }))));
}
