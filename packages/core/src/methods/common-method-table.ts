import { backward } from '../autograd/backward.js';
import { checkList } from '../checks/check-arguments.js';
import * as binary from '../ops/pointwise/binary.js';
import { cast } from '../ops/pointwise/cast.js';
import * as unary from '../ops/pointwise/unary.js';
import { expand, mean, sum } from '../ops/sum/sum.js';
import { squeeze, unsqueeze } from '../ops/views/axes.js';
import { flatten, reshape } from '../ops/views/reshape.js';
import type { CommonMethod } from '../tensor/method-names.js';
import { Tensor } from '../tensor/tensor.js';

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
  reshape,
  flatten,
  squeeze,
  unsqueeze,
  expand: (x: Tensor, shape: readonly number[], ...more: never[]): Tensor => {
    checkList('expand', 'the shape', { list: shape, more });
    return expand(x, shape);
  },
  to: cast,
  backward,
} satisfies Record<CommonMethod, unknown>;

/** Makes functions of a tensor methods of it, by their names. */
export function makeMethods(functions: Readonly<Record<string, (x: Tensor, ...rest: never[]) => unknown>>): void {
  for (const [name, of] of Object.entries(functions))
    Object.assign(Tensor.prototype, {
      [name](this: Tensor, ...rest: never[]): unknown {
        return of(this, ...rest);
      },
    });
}

/** Adds the common methods to Tensor. */
export const addCommonMethods = (): void => makeMethods(commonMethods);
