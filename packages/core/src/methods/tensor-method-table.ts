import { backward } from '../autograd/backward.js';
import { checkList } from '../checks/check-numbers.js';
import { squeeze, transpose, unsqueeze } from '../ops/axes.js';
import * as binary from '../ops/binary.js';
import { cast } from '../ops/cast.js';
import { amax, amin } from '../ops/extremes.js';
import { logsumexp, norm, std } from '../ops/norm-std-logsumexp.js';
import { chunk, split } from '../ops/pieces.js';
import { flatten, reshape } from '../ops/reshape.js';
import { expand, mean, sum } from '../ops/sum.js';
import * as unary from '../ops/unary.js';
import { variance } from '../ops/variance.js';
import type { CommonMethod } from '../tensor/method-names.js';
import type { Tensor } from '../tensor/tensor.js';

/** Functions that modules make methods of tensors, for the ops people chain. */
export const commonMethods = {
  add: binary.add,
  sub: binary.sub,
  mul: binary.mul,
  div: binary.div,
  pow: binary.pow,
  neg: unary.neg,
  abs: unary.abs,
  exp: unary.exp,
  log: unary.log,
  sqrt: unary.sqrt,
  rsqrt: unary.rsqrt,
  square: unary.square,
  relu: unary.relu,
  sigmoid: unary.sigmoid,
  tanh: unary.tanh,
  clamp: unary.clamp,
  sum,
  mean,
  variance,
  std,
  norm,
  logsumexp,
  amax,
  amin,
  reshape,
  flatten,
  squeeze,
  unsqueeze,
  transpose,
  split,
  chunk,
  expand: (x: Tensor, shape: readonly number[], ...more: never[]): Tensor => {
    checkList('expand', 'the shape', { list: shape, more });
    return expand(x, shape);
  },
  to: cast,
  backward,
} satisfies Record<CommonMethod, unknown>;
