import { planBatchedMatmul } from '@initlab/kernels';
import { applyOne, type BackwardContext, defineOp, type Op } from '../../op/op.js';
import { floatType, rowMajor } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';

/** How the matrices of a product are stored. */
export interface Transposes {
  /** A is stored [k, m]. */
  readonly transposeA: boolean;
  /** B is stored [n, k]. */
  readonly transposeB: boolean;
}

/** Gradients of a product's operands, which are products of the same kind. */
export const productGrads = (
  product: (a: Tensor, b: Tensor, attrs: Transposes) => Tensor,
  { grads: { y: g }, inputs: { a, b }, attrs: { transposeA, transposeB }, needs }: BackwardContext<Transposes, ['a', 'b'], ['y']>,
): { readonly a: Tensor | undefined; readonly b: Tensor | undefined } => ({
  a: !needs.a
    ? undefined
    : transposeA
      ? product(b, g, { transposeA: transposeB, transposeB: true })
      : product(g, b, { transposeA: false, transposeB: !transposeB }),
  b: !needs.b
    ? undefined
    : transposeB
      ? product(g, a, { transposeA: true, transposeB: transposeA })
      : product(a, g, { transposeA: !transposeA, transposeB: false }),
});

const batchedOp: Op<Transposes, ['a', 'b'], ['y']> = defineOp<Transposes>()({
  name: 'batchedMatmul',
  inputs: ['a', 'b'],
  outputs: ['y'],
  infer: ({ a, b }, { transposeA, transposeB }) => ({
    y: rowMajor([a.shape[0] as number, a.shape[transposeA ? 2 : 1] as number, b.shape[transposeB ? 1 : 2] as number], a.dtype),
  }),
  plan: ({ inputs: { a }, outputs: { y }, attrs, target }) => {
    const [batch = 0, m = 0, n = 0] = y.shape;
    const k = a.shape[attrs.transposeA ? 1 : 2] as number;
    return planBatchedMatmul({ batch, m, n, k, ...attrs, dtype: floatType(a.dtype) }, target);
  },
  backward: (context) => productGrads(batchedProduct, context),
  backwardDifferentiable: true,
});

/** Products of matrices in pairs: [batch, m, k] and [batch, k, n] → [batch, m, n]. */
export const batchedProduct = (a: Tensor, b: Tensor, attrs: Transposes): Tensor => applyOne(batchedOp, { a, b }, attrs);
