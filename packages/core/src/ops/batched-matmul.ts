import { planBatchedMatmul } from '@initlab/kernels';
import { applyOne, defineOp, type Op } from '../op/op.js';
import type { Tensor } from '../tensor/tensor.js';
import { floatType } from '../storage/spec.js';

interface BatchedAttrs {
  /** A is stored [batch, k, m]. */
  readonly transposeA: boolean;
  /** B is stored [batch, n, k]. */
  readonly transposeB: boolean;
}

const batchedOp: Op<BatchedAttrs, ['a', 'b'], ['y']> = defineOp<BatchedAttrs>()({
  name: 'batchedMatmul',
  inputs: ['a', 'b'],
  outputs: ['y'],
  infer: ({ a, b }, { transposeA, transposeB }) => ({
    y: {
      shape: [a.shape[0] as number, a.shape[transposeA ? 2 : 1] as number, b.shape[transposeB ? 1 : 2] as number],
      dtype: a.dtype,
      format: 'rowMajor',
    },
  }),
  plan: ({ inputs: { a }, outputs: { y }, attrs, target }) => {
    const [batch = 0, m = 0, n = 0] = y.shape;
    const k = a.shape[attrs.transposeA ? 1 : 2] as number;
    return planBatchedMatmul({ batch, m, n, k, ...attrs, dtype: floatType(a.dtype) }, target);
  },
  backward: ({ grads: { y: g }, inputs: { a, b }, attrs: { transposeA, transposeB }, needs }) => ({
    a: !needs.a
      ? undefined
      : transposeA
        ? batchedProduct(b, g, { transposeA: transposeB, transposeB: true })
        : batchedProduct(g, b, { transposeA: false, transposeB: !transposeB }),
    b: !needs.b
      ? undefined
      : transposeB
        ? batchedProduct(g, a, { transposeA: true, transposeB: transposeA })
        : batchedProduct(a, g, { transposeA: !transposeA, transposeB: false }),
  }),
  backwardDifferentiable: true,
});

/** Products of matrices in pairs: [batch, m, k] and [batch, k, n] → [batch, m, n]. */
export const batchedProduct = (a: Tensor, b: Tensor, attrs: BatchedAttrs): Tensor => applyOne(batchedOp, { a, b }, attrs);
