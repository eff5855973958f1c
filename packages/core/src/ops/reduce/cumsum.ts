import { planCumsum } from '@initlab/kernels';
import { checkOptions } from '../../checks/check-arguments.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis, linesOf } from '../arguments/operands.js';
import { pointwiseFormats, specLike } from '../pointwise/pointwise.js';

interface CumsumAttrs {
  readonly dim: number;
  readonly reverse: boolean;
}

const cumsumOp: Op<CumsumAttrs, ['x'], ['y']> = defineOp<CumsumAttrs>()({
  name: 'cumsum',
  inputs: ['x'],
  outputs: ['y'],
  formats: pointwiseFormats,
  infer: ({ x }) => ({ y: specLike(x.shape, [x]) }),
  plan: ({ inputs: { x }, attrs: { dim, reverse }, target }) => planCumsum({ ...linesOf(x, dim), reverse, dtype: x.dtype }, target),
  backward: ({ grads: { y: dy }, attrs }) => ({ x: applyOne(cumsumOp, { x: dy }, { ...attrs, reverse: !attrs.reverse }) }),
  backwardDifferentiable: true,
});

/** Running sums along `dim`, default 0 (PyTorch's `cumsum`); any type, halves summed in f32. */
export function cumsum(x: Tensor, options: { dim?: number } = {}): Tensor {
  checkOptions('cumsum', options, ['dim']);
  return applyOne(cumsumOp, { x }, { dim: axis('cumsum', x, options.dim ?? 0), reverse: false });
}
