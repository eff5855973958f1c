import { planDropout } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import { floatType, sizeOf } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { checkRng } from './uniform.js';

interface DropoutAttrs {
  readonly p: number;
  readonly stream: number;
}
const dropoutOp: Op<DropoutAttrs, ['x', 'rng'], ['y']> = defineOp<DropoutAttrs>()({
  name: 'dropout',
  inputs: ['x', 'rng'],
  outputs: ['y'],
  infer: ({ x }) => ({ y: x }),
  plan: ({ inputs: { x }, attrs, target }) => {
    const { shape, format, dtype } = x;
    const last = format === 'channelsLast';
    const [channels, plane] = last ? [shape[1] as number, (shape[2] as number) * (shape[3] as number)] : [sizeOf(shape), 1];
    return planDropout({ ...attrs, size: sizeOf(shape), channels, plane, dtype: floatType(dtype) }, target);
  },
  // The choice depends on the logical index alone, so the gradient is the same op.
  backward: ({ grads: { y: g }, inputs: { rng }, attrs }) => ({ x: applyOne(dropoutOp, { x: g, rng }, attrs) }),
  backwardDifferentiable: true,
});

/**
 * Zeroes elements with probability `p` and scales the others by 1 / (1 − p) (PyTorch's `F.dropout` in training).
 * `rng` is a u32[4] tensor: seed (low, high) and step (low, high); `stream` tells several dropouts of a step apart.
 */
export function dropout(x: Tensor, options: { p: number; rng: Tensor; stream: number }): Tensor {
  checkOptions('dropout', options, ['p', 'rng', 'stream']);
  checkFloat('dropout', x);
  checkRng('dropout', options.rng);
  checkNumber('dropout', { p: options.p }, { from: 0, to: 1 });
  checkNumber('dropout', { stream: options.stream }, { from: 0, to: 2 ** 32 - 1, whole: true });
  return options.p === 0 ? x : applyOne(dropoutOp, { x, rng: options.rng }, { p: options.p, stream: options.stream });
}
