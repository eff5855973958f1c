import {
  amax,
  amin,
  argmax,
  argmin,
  cumsum,
  logsumexp,
  mean,
  norm,
  prod,
  std,
  sum,
  sumTo,
  type Tensor,
  variance,
  varMean,
} from '@initlab/core';
import type { ZeroCase, ZeroCases } from '../zero-case.js';

type Reduction = (x: Tensor, options?: { dim?: number | readonly number[]; keepdim?: boolean }) => Tensor;

/** Over dimensions of size 0 the result is `ofNothing`; over others of a tensor without elements it has none itself. */
const reduction = (op: Reduction, ofNothing: number | undefined): ZeroCase[] => [
  { title: 'others than those of size 0', inputs: [[0, 3]], f: (x) => op(x as Tensor, { dim: 1 }), y: [[0]] },
  { title: 'others, kept', inputs: [[2, 0, 3]], f: (x) => op(x as Tensor, { dim: 2, keepdim: true }), y: [[2, 0, 1]] },
  { title: 'no images, over pixels', inputs: [[0, 4, 2, 2]], f: (x) => op(x as Tensor, { dim: [2, 3], keepdim: true }), y: [[0, 4, 1, 1]] },
  ...(ofNothing === undefined
    ? []
    : ([
        { title: 'all of a vector', inputs: [[0]], f: (x) => op(x as Tensor), y: [[], ofNothing] },
        { title: 'rows, of which there are none', inputs: [[0, 3]], f: (x) => op(x as Tensor, { dim: 0 }), y: [[3], ofNothing] },
        { title: 'columns, kept', inputs: [[3, 0]], f: (x) => op(x as Tensor, { dim: 1, keepdim: true }), y: [[3, 1], ofNothing] },
        { title: 'two dimensions', inputs: [[2, 0, 3]], f: (x) => op(x as Tensor, { dim: [0, 1] }), y: [[3], ofNothing] },
        { title: 'no images', inputs: [[0, 4, 2, 2]], f: (x) => op(x as Tensor, { dim: [0, 2, 3] }), y: [[4], ofNothing] },
        {
          title: 'no pixels, kept',
          inputs: [[2, 4, 0, 2]],
          f: (x) => op(x as Tensor, { dim: [2, 3], keepdim: true }),
          y: [[2, 4, 1, 1], ofNothing],
        },
      ] satisfies ZeroCase[])),
];

export const reduceCases: ZeroCases = {
  sum: reduction(sum, 0),
  prod: reduction(prod, 1),
  cumsum: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => cumsum(x as Tensor, { dim: 1 }), y: [[0, 3]] }],
  mean: reduction(mean, Number.NaN),
  variance: reduction(variance, Number.NaN),
  std: reduction(std, Number.NaN),
  norm: reduction(norm, 0),
  logsumexp: reduction(logsumexp, Number.NEGATIVE_INFINITY),
  varMean: [
    ...reduction((x, options) => varMean(x, options).variance, Number.NaN),
    ...reduction((x, options) => varMean(x, options).mean, Number.NaN),
  ],
  // There are no extremes of nothing: test/zero-sizes/refusals.test.ts.
  amax: reduction(amax, undefined),
  amin: reduction(amin, undefined),
  argmax: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => argmax(x as Tensor, { dim: 1 }), y: [[0]], grads: 'none' }],
  argmin: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => argmin(x as Tensor, { dim: -1 }), y: [[0]], grads: 'none' }],
  sumTo: [{ title: 'no rows to one', inputs: [[0, 3]], f: (x) => sumTo(x as Tensor, [1, 3]), y: [[1, 3], 0] }],
};
