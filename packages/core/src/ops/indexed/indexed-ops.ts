import { planAddAlong, planArgsort, planTakeAlong } from '@initlab/kernels';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import { noGrad } from '../../op/tape.js';
import { rowMajor } from '../../storage/spec.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { linesOf } from '../arguments/operands.js';

// Taking along a dimension by an index, and adding to it by an index, are each other's gradients.

interface IndexedAttrs {
  readonly dim: number;
  /** Size of the dimension that the index points into. */
  readonly length: number;
}

/** One index for each slice where it is a vector beside a tensor of more dimensions, or the only one's. */
const isShared = (index: { readonly shape: readonly number[] }): boolean => index.shape.length === 1;

const takeAlongOp: Op<IndexedAttrs, ['x', 'index'], ['y']> = defineOp<IndexedAttrs>()({
  name: 'takeAlong',
  inputs: ['x', 'index'],
  outputs: ['y'],
  formats: () => ({ x: 'rowMajor', index: 'rowMajor' }),
  infer: ({ x, index }, { dim }) => ({
    y: rowMajor(isShared(index) ? x.shape.with(dim, index.shape[0] as number) : index.shape, x.dtype),
  }),
  plan: ({ inputs: { x, index }, outputs: { y }, attrs: { dim }, target }) =>
    planTakeAlong({ ...linesOf(x, dim), count: y.shape[dim] as number, shared: isShared(index), dtype: x.dtype }, target),
  backward: ({ grads: { y: dy }, inputs: { index }, attrs }) => ({ x: addAlong(dy, index, attrs) }),
  backwardDifferentiable: true,
});

const addAlongOp: Op<IndexedAttrs, ['dy', 'index', 'order?'], ['dx']> = defineOp<IndexedAttrs>()({
  name: 'addAlong',
  inputs: ['dy', 'index', 'order?'],
  outputs: ['dx'],
  formats: () => ({ dy: 'rowMajor', index: 'rowMajor' }),
  infer: ({ dy }, { dim, length }) => ({ dx: rowMajor(dy.shape.with(dim, length), dy.dtype) }),
  plan: ({ inputs: { dy, index, order }, outputs: { dx }, attrs: { dim }, target }) => {
    const count = dy.shape[dim] as number;
    return planAddAlong({ ...linesOf(dx, dim), count, shared: isShared(index), dtype: dy.dtype, sorted: order !== undefined }, target);
  },
  backward: ({ grads: { dx: x }, inputs: { index }, attrs }) => ({ dy: takeAlong(x, index, attrs.dim) }),
  backwardDifferentiable: true,
});

/** Pairs of a sum and an index from which on sorting the index costs less than that every sum looks at all of it. */
const manyPairs = 2 ** 14;

/** x's slices (index a vector) or elements (index of y's shape) along `dim`. An index outside gives NaN, −1 of whole numbers. */
export const takeAlong = (x: Tensor, index: Tensor, dim: number): Tensor =>
  applyOne(takeAlongOp, { x, index }, { dim, length: x.shape[dim] as number });

/** dx of `length` along `dim`, where each slice or element is the sum of those of dy whose index it is, in their order. */
export function addAlong(dy: Tensor, index: Tensor, attrs: IndexedAttrs): Tensor {
  const count = dy.shape[attrs.dim] as number;
  if (attrs.length * count < manyPairs || index.size === 0) return applyOne(addAlongOp, { dy, index }, attrs);
  const order = noGrad(() => argsort(index, { dim: isShared(index) ? 0 : attrs.dim, descending: false }));
  return applyOne(addAlongOp, { dy, index, order }, attrs);
}

/** Throws unless the index is of whole numbers, and there is something to take where it points. */
export function checkIndex(op: string, { x, index, dim }: { x: Tensor; index: Tensor; dim: number }): void {
  checkTensors(op, { x, index });
  if (index.dtype !== 'i32') throw new OpError(op, `takes i32 indices, got ${index.dtype}; cast() them, e.g. .to('i32')`);
  if (x.shape[dim] === 0 && index.size > 0)
    throw new OpError(op, `there is nothing to point at: dimension ${dim} of ${showShape(x.shape)} has size 0`);
}

interface ArgsortAttrs {
  readonly dim: number;
  readonly descending: boolean;
}

const argsortOp = defineOp<ArgsortAttrs>()({
  name: 'argsort',
  inputs: ['x'],
  outputs: ['index'],
  formats: () => ({ x: 'rowMajor' }),
  infer: ({ x }) => ({ index: rowMajor(x.shape, 'i32') }),
  plan: ({ inputs: { x }, attrs: { dim, descending }, target }) => planArgsort({ ...linesOf(x, dim), descending, dtype: x.dtype }, target),
});

/** Where the smallest (or largest) of each line stands, the next, …: i32, stable, NaN the largest. */
export const argsort = (x: Tensor, attrs: ArgsortAttrs): Tensor => applyOne(argsortOp, { x }, attrs);
