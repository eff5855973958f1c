import { type PointwiseChain, planPointwise } from '@initlab/kernels';
import { checkChoice, checkFormat, checkList, checkOptions, checkShape } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { autocasting } from '../../op/autocast.js';
import { applyOne, defineOp, type Op, type SpecContext } from '../../op/op.js';
import { broadcastShapes, broadcastStrides, floatType, physicalShape, sameShape, sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { reshape } from '../views/reshape.js';
import { defineReduction, keptShape, type ReduceOptions, reducedDims, reduceOptions } from './reduce-parts.js';

// Sum and expand are each other's gradients, so they share a file.

interface ExpandAttrs {
  readonly shape: readonly number[];
  readonly format: Tensor['format'];
  readonly scale: number;
  /** Type of the result; default: the input's. */
  readonly dtype?: 'f32' | 'f16';
}

/** Sums may be kept in another type than what is summed. */
export interface SumOptions extends ReduceOptions {
  /** Default: the input's type; f32 in mixed precision. */
  readonly dtype?: 'f32' | 'f16';
}

const expandOp: Op<ExpandAttrs, ['x0'], ['y0']> = defineOp<ExpandAttrs>()({
  name: 'expand',
  inputs: ['x0'],
  outputs: ['y0'],
  infer: ({ x0 }, { shape, format, dtype }) => ({
    y0: { shape, dtype: dtype ?? x0.dtype, format: shape.length === 4 ? format : 'rowMajor' },
  }),
  pointwise: expandChain,
  plan: (context) => planPointwise(expandChain(context), context.target),
  backward: ({ grads, inputs: { x0: x }, attrs }) => ({
    x0: reduceTo(grads.y0, x.shape, { scale: attrs.scale, dtype: floatType(x.dtype) }),
  }),
  backwardDifferentiable: true,
});

function expandChain({ inputs: { x0: from }, outputs: { y0: to }, attrs }: SpecContext<ExpandAttrs, ['x0'], ['y0']>): PointwiseChain {
  const scaled = attrs.scale !== 1;
  return {
    shape: physicalShape(to),
    inputs: [{ dtype: from.dtype, strides: broadcastStrides(from, to) }],
    steps: scaled ? [{ f: { kind: 'binary', row: 'mul' }, args: [{ input: 0 }, { scalar: attrs.scale }] }] : [],
    outputs: [{ value: scaled ? { step: 0 } : { input: 0 }, dtype: to.dtype }],
  };
}

const sumOp = defineReduction({
  name: 'sum',
  backward: ({ grads, inputs: { x0: x }, attrs: { dims, scale } }) => {
    const kept = reshape(grads.y0, keptShape(x.shape, dims));
    return { x0: applyOne(expandOp, { x0: kept }, { shape: x.shape, format: x.format, scale, dtype: floatType(x.dtype) }) };
  },
  backwardDifferentiable: true,
});

function summed(op: 'sum' | 'mean', x: Tensor, options: SumOptions): Tensor {
  checkOptions(op, options, [...reduceOptions, 'dtype']);
  const dims = reducedDims(op, x, options);
  // Squares of f16 activations summed over an image are soon beyond f16's range.
  const { keepdim = false, dtype = autocasting() ? 'f32' : floatType(x.dtype) } = options;
  checkChoice(op, 'dtype', { value: dtype, known: ['f32', 'f16'] });
  const scale = op === 'sum' ? 1 : 1 / sizeOf(dims.map((d) => x.shape[d] as number));
  return applyOne(sumOp, { x0: x }, { kind: 'sum', dims, keepdim, scale, dtype });
}

/** Sum over `dim` (PyTorch's `sum(dim, keepdim, dtype)`). Sums are f32 inside; fixed order: the same bits every time. */
export const sum = (x: Tensor, options: SumOptions = {}): Tensor => summed('sum', x, options);

/** Mean over `dim` (PyTorch's `mean`); otherwise as `sum`. */
export const mean = (x: Tensor, options: SumOptions = {}): Tensor => summed('mean', x, options);

/**
 * The tensor repeated along its dimensions of size 1, and along new leading ones (PyTorch's `expand`, but a copy).
 * −1 keeps a size. `format` is the memory format of a 4-D result.
 */
export function expand(x: Tensor, shape: readonly number[], options: { format?: Tensor['format'] } = {}, ...more: never[]): Tensor {
  checkTensor('expand', x);
  checkList('expand', 'the shape', { list: shape, more: typeof options === 'number' ? [options, ...more] : more });
  checkOptions('expand', options, ['format']);
  if (options.format !== undefined) checkFormat('expand', options.format);
  const lead = shape.length - x.ndim;
  const target = shape.map((d, i) => (d === -1 ? (x.shape[i - lead] ?? -1) : d));
  const joined = broadcastShapes(x.shape, target);
  if (!joined || !target.every((d) => Number.isInteger(d) && d >= 0) || !sameShape(joined, target))
    throw new OpError('expand', `${showShape(x.shape)} does not expand to ${showShape(shape)}: only sizes of 1 grow`);
  const format = options.format ?? (x.ndim === 4 ? x.format : 'rowMajor');
  if (sameShape(x.shape, target) && (x.ndim !== 4 || x.format === format)) return x;
  return applyOne(expandOp, { x0: x }, { shape: target, format, scale: 1 });
}

/** The gradient of broadcasting: sums a tensor down to `shape`. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  checkTensor('sumTo', x);
  checkShape('sumTo', shape);
  return reduceTo(x, shape, { scale: 1, dtype: floatType(x.dtype) });
}

function reduceTo(x: Tensor, shape: readonly number[], { scale, dtype }: { scale: number; dtype: 'f32' | 'f16' }): Tensor {
  if (sameShape(x.shape, shape) && scale === 1 && dtype === x.dtype) return x;
  const lead = x.ndim - shape.length;
  const dims = x.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  // Leading dimensions go, the others keep their place with size 1.
  const keepdim = dims.every((d) => d >= lead);
  return reshape(applyOne(sumOp, { x0: x }, { kind: 'sum', dims, keepdim, scale, dtype }), shape);
}
