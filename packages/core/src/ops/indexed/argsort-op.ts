import { planArgsort } from '@initlab/kernels';
import { applyOne, defineOp } from '../../op/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { linesOf } from '../arguments/operands.js';

interface ArgsortAttrs {
  readonly dim: number;
  readonly descending: boolean;
}

const argsortOp = defineOp<ArgsortAttrs>()({
  name: 'argsort',
  inputs: ['x'],
  outputs: ['index'],
  formats: () => ({ x: 'rowMajor' }),
  infer: ({ x }) => ({ index: { shape: x.shape, dtype: 'i32', format: 'rowMajor' } }),
  plan: ({ inputs: { x }, attrs: { dim, descending }, target }) => planArgsort({ ...linesOf(x, dim), descending, dtype: x.dtype }, target),
});

/** Where the smallest (or largest) of each line stands, the next, …: i32, stable, NaN the largest. */
export const argsort = (x: Tensor, attrs: ArgsortAttrs): Tensor => applyOne(argsortOp, { x }, attrs);
