import type { DType } from '@initlab/kernels';
import { type BackwardOptions, backward } from '../autograd/backward.js';
import * as binary from '../ops/binary.js';
import { checkList } from '../checks/check-numbers.js';
import { squeeze, transpose, unsqueeze } from '../ops/axes.js';
import { cast } from '../ops/cast.js';
import { logsumexp, norm, type NormOptions, std } from '../ops/lengths.js';
import { chunk, split } from '../ops/pieces.js';
import { amax, amin } from '../ops/extremes.js';
import type { ReduceOptions } from '../ops/reduce-parts.js';
import { flatten, reshape } from '../ops/reshape.js';
import { expand, mean, sum } from '../ops/sum.js';
import * as unary from '../ops/unary.js';
import { type VarianceOptions, variance } from '../ops/variance.js';
import type { CommonMethod } from '../tensor/method-names.js';
import type { Tensor } from '../tensor/tensor.js';

type Operand = binary.Operand;

/** Methods for the ops people chain, which modules bring with them; every op is also a function. */
export const commonMethods = {
  add(this: Tensor, other: Operand): Tensor {
    return binary.add(this, other);
  },
  sub(this: Tensor, other: Operand): Tensor {
    return binary.sub(this, other);
  },
  mul(this: Tensor, other: Operand): Tensor {
    return binary.mul(this, other);
  },
  div(this: Tensor, other: Operand): Tensor {
    return binary.div(this, other);
  },
  pow(this: Tensor, exponent: Operand): Tensor {
    return binary.pow(this, exponent);
  },
  neg(this: Tensor): Tensor {
    return unary.neg(this);
  },
  abs(this: Tensor): Tensor {
    return unary.abs(this);
  },
  exp(this: Tensor): Tensor {
    return unary.exp(this);
  },
  log(this: Tensor): Tensor {
    return unary.log(this);
  },
  sqrt(this: Tensor): Tensor {
    return unary.sqrt(this);
  },
  rsqrt(this: Tensor): Tensor {
    return unary.rsqrt(this);
  },
  square(this: Tensor): Tensor {
    return unary.square(this);
  },
  relu(this: Tensor): Tensor {
    return unary.relu(this);
  },
  sigmoid(this: Tensor): Tensor {
    return unary.sigmoid(this);
  },
  tanh(this: Tensor): Tensor {
    return unary.tanh(this);
  },
  clamp(this: Tensor, bounds: { min?: number; max?: number }): Tensor {
    return unary.clamp(this, bounds);
  },
  sum(this: Tensor, options?: ReduceOptions): Tensor {
    return sum(this, options);
  },
  mean(this: Tensor, options?: ReduceOptions): Tensor {
    return mean(this, options);
  },
  variance(this: Tensor, options?: VarianceOptions): Tensor {
    return variance(this, options);
  },
  std(this: Tensor, options?: VarianceOptions): Tensor {
    return std(this, options);
  },
  norm(this: Tensor, options?: NormOptions): Tensor {
    return norm(this, options);
  },
  logsumexp(this: Tensor, options?: ReduceOptions): Tensor {
    return logsumexp(this, options);
  },
  amax(this: Tensor, options?: ReduceOptions): Tensor {
    return amax(this, options);
  },
  amin(this: Tensor, options?: ReduceOptions): Tensor {
    return amin(this, options);
  },
  reshape(this: Tensor, shape: readonly number[], ...more: never[]): Tensor {
    return reshape(this, shape, ...more);
  },
  flatten(this: Tensor, startDim?: number): Tensor {
    return flatten(this, startDim);
  },
  squeeze(this: Tensor, dim?: number | readonly number[]): Tensor {
    return squeeze(this, dim);
  },
  unsqueeze(this: Tensor, dim: number): Tensor {
    return unsqueeze(this, dim);
  },
  transpose(this: Tensor, dims: readonly [number, number], ...more: never[]): Tensor {
    return transpose(this, dims, ...more);
  },
  split(this: Tensor, sizes: number | readonly number[], options?: { dim?: number }): Tensor[] {
    return split(this, sizes, options);
  },
  chunk(this: Tensor, chunks: number, options?: { dim?: number }): Tensor[] {
    return chunk(this, chunks, options);
  },
  expand(this: Tensor, shape: readonly number[], ...more: never[]): Tensor {
    checkList('expand', 'the shape', { list: shape, more });
    return expand(this, shape);
  },
  to(this: Tensor, dtype: DType): Tensor {
    return cast(this, dtype);
  },
  backward(this: Tensor, options?: BackwardOptions): void {
    backward(this, options);
  },
} satisfies Record<CommonMethod, unknown>;
