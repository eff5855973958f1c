import { planCopyRegions } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import { numbered, numberedSlots, type SlotList } from '../../op/slots.js';
import { copyTo, logicalStrides, sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { pointwiseFormats, specLike } from '../pointwise/pointwise.js';
import { reshape } from '../views/reshape.js';

// Narrow and pad are each other's gradients and cat's gradient is narrow, so they share a file. Results lie in memory as
// their operands do; of mixed ones channels last wins, as in pointwise ops.

interface NarrowAttrs {
  readonly dim: number;
  readonly start: number;
  readonly length: number;
}
const narrowOp: Op<NarrowAttrs, ['x'], ['y']> = defineOp<NarrowAttrs>()({
  name: 'narrow',
  inputs: ['x'],
  outputs: ['y'],
  formats: pointwiseFormats,
  infer: ({ x }, { dim, length }) => ({ y: specLike(x.shape.with(dim, length), [x]) }),
  plan: ({ inputs: { x }, outputs: { y }, attrs: { dim, start }, target }) => {
    const strides = logicalStrides(x);
    return planCopyRegions([copyTo(y, { strides, offset: start * (strides[dim] as number) })], target);
  },
  backward: ({ grads, inputs: { x }, attrs: { dim, start, length } }) => {
    const before = x.shape.map((_, i) => (i === dim ? start : 0));
    const after = x.shape.map((d, i) => (i === dim ? d - start - length : 0));
    return { x: applyOne(padOp, { x: grads.y }, { before, after, value: 0 }) };
  },
  backwardDifferentiable: true,
});

interface PadAttrs {
  /** Elements added before and after each dimension. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
}
const padOp: Op<PadAttrs, ['x'], ['y']> = defineOp<PadAttrs>()({
  name: 'pad',
  inputs: ['x'],
  outputs: ['y'],
  formats: pointwiseFormats,
  infer: ({ x }, { before, after }) => ({
    y: specLike(
      x.shape.map((d, i) => d + (before[i] ?? 0) + (after[i] ?? 0)),
      [x],
    ),
  }),
  plan: ({ inputs: { x }, outputs: { y }, attrs: { before, value }, target }) => {
    const fill = { count: sizeOf(y.shape), value, dtype: y.dtype };
    return planCopyRegions([copyTo(y, { shape: x.shape, strides: logicalStrides(x), start: before })], target, fill);
  },
  planEmpty: (context) => padOp.plan(context),
  backward: ({ grads, inputs: { x }, attrs: { before } }) => {
    let inner: Tensor = grads.y;
    x.shape.forEach((length, dim) => {
      if (inner.shape[dim] !== length) inner = applyOne(narrowOp, { x: inner }, { dim, start: before[dim] ?? 0, length });
    });
    return { x: inner };
  },
  backwardDifferentiable: true,
});

interface CatAttrs {
  readonly dim: number;
}
/** Of one to eight tensors: x0, x1, … (see `numbered`). */
const catOp: Op<CatAttrs, SlotList, ['y']> = defineOp<CatAttrs>()<SlotList, ['y']>({
  name: 'cat',
  inputs: numberedSlots('x', 8),
  outputs: ['y'],
  formats: pointwiseFormats,
  infer: (inputs, { dim }) => {
    const all = Object.values(inputs).filter((x) => x !== undefined);
    const length = all.reduce((n, x) => n + (x.shape[dim] ?? 0), 0);
    return { y: specLike(all[0]?.shape.with(dim, length) ?? [], all) };
  },
  plan: ({ inputs, outputs: { y }, attrs: { dim }, target }) => {
    let start = 0;
    const regions = Object.entries(inputs).flatMap(([slot, x]) => {
      if (!x) return [];
      const region = copyTo(y, { shape: x.shape, strides: logicalStrides(x), start: y.shape.map((_, d) => (d === dim ? start : 0)) });
      start += x.shape[dim] ?? 0;
      return [{ ...region, slot }];
    });
    return planCopyRegions(regions, target);
  },
  planEmpty: (context) => catOp.plan(context),
  backward: ({ grads, inputs, attrs: { dim } }) => {
    let start = 0;
    const found: Record<string, Tensor> = {};
    for (const [slot, part] of Object.entries(inputs)) {
      const length = part?.shape[dim] ?? 0;
      found[slot] = applyOne(narrowOp, { x: grads.y }, { dim, start, length });
      start += length;
    }
    return found;
  },
  backwardDifferentiable: true,
});

/** Without narrowing the type to one of anything. */
const isList = (value: unknown): boolean => Array.isArray(value);

/** `length` elements of `dim` from `start` on (a copy; PyTorch's `narrow`). */
export function narrow(x: Tensor, options: NarrowAttrs): Tensor {
  checkOptions('narrow', options, ['dim', 'start', 'length']);
  const { dim, start, length } = options;
  const along = axis('narrow', x, dim);
  checkNumber('narrow', { start, length }, { from: 0, whole: true });
  if (start + length > (x.shape[along] ?? 0))
    throw new OpError('narrow', `${start} … ${start + length} is outside dimension ${along} of ${showShape(x.shape)}`);
  return applyOne(narrowOp, { x }, { dim: along, start, length });
}

/** The first elements of each dimension, so many as a shape has. */
export const cropped = (x: Tensor, shape: readonly number[]): Tensor =>
  shape.reduce((y, length, dim) => (length === y.shape[dim] ? y : narrow(y, { dim, start: 0, length })), x);

/** `value` around a tensor: so many slices before and after each dimension. */
export const padConstant = (x: Tensor, attrs: PadAttrs): Tensor => applyOne(padOp, { x }, attrs);

const isNothing = ({ shape }: Tensor): boolean => shape.length === 1 && shape[0] === 0;

/** Tensors of one type, alike but for their size along `dim` (default 0), joined along it (PyTorch's `cat`). */
export function cat(tensors: readonly Tensor[], options: { dim?: number } = {}): Tensor {
  if (!isList(tensors)) throw new OpError('cat', 'takes a list of tensors: cat([a, b])');
  checkOptions('cat', options, ['dim']);
  const { dim = 0 } = options;
  tensors.forEach((x, i) => {
    checkTensor('cat', x, `tensors[${i}]`);
  });
  // As PyTorch's, which takes tensors of shape [0] for parts of no rows of any others.
  const first = tensors.find((x) => !isNothing(x)) ?? tensors[0];
  if (!first) throw new OpError('cat', 'needs at least one tensor');
  const along = axis('cat', first, dim);
  if (first.ndim !== 1 && tensors.some(isNothing))
    return cat(
      tensors.map((x) => (isNothing(x) ? reshape(x, first.shape.with(along, 0)) : x)),
      { dim },
    );
  for (const x of tensors)
    if (x.ndim !== first.ndim || x.dtype !== first.dtype || x.shape.some((d, i) => i !== along && d !== first.shape[i]))
      throw new OpError('cat', `${showShape(x.shape)} ${x.dtype} does not join ${showShape(first.shape)} ${first.dtype} along ${along}`);
  // Eight at a time: bindings are limited.
  if (tensors.length > 8) return cat([cat(tensors.slice(0, 8), { dim }), ...tensors.slice(8)], { dim });
  return applyOne(catOp, numbered('x', tensors), { dim: along });
}
