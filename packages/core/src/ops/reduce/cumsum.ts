import { planCumsum } from '@initlab/kernels';
import { checkOptions } from '../../checks/check-options.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/axis.js';
import { linesOf } from '../arguments/lines-of.js';
import { pointwiseFormats, resultFormat } from '../pointwise/pointwise.js';

interface CumsumAttrs {
  readonly dim: number;
  readonly reverse: boolean;
}

const cumsumOp: Op<CumsumAttrs, ['x'], ['y']> = defineOp<CumsumAttrs>()({
  name: 'cumsum',
  inputs: ['x'],
  outputs: ['y'],
  formats: pointwiseFormats,
  infer: ({ x }) => ({ y: { shape: x.shape, dtype: x.dtype, format: x.shape.length === 4 ? resultFormat([x]) : 'rowMajor' } }),
  plan: ({ inputs: { x }, attrs: { dim, reverse }, target }) => planCumsum({ ...linesOf(x, dim), reverse, dtype: x.dtype }, target),
  backward: ({ grads: { y: dy }, attrs }) => ({ x: applyOne(cumsumOp, { x: dy }, { ...attrs, reverse: !attrs.reverse }) }),
  backwardDifferentiable: true,
});

/** Running sums along `dim`, default 0 (PyTorch's `cumsum`); any type, halves summed in f32. */
export function cumsum(x: Tensor, options: { dim?: number } = {}): Tensor {
  checkOptions('cumsum', options, ['dim']);
  return applyOne(cumsumOp, { x }, { dim: axis('cumsum', x, options.dim ?? 0), reverse: false });
}
