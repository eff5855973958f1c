import { planFill, planReduce } from '@initlab/kernels';
import { checkFlags, checkNumber } from '../../checks/check-arguments.js';
import { OpError, showShape, showValue } from '../../checks/errors.js';
import { OpFamily } from '../../op/graph-node.js';
import { defineOp, type FormatWish, type Op, type OpDef, type PlanContext } from '../../op/op.js';
import { floatType, memoryOrder, physicalShape, sizeOf, type TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';

export interface ReduceAttrs {
  readonly kind: 'sum' | 'max' | 'min';
  /** Reduced dimensions, not negative, ascending. */
  readonly dims: readonly number[];
  readonly keepdim: boolean;
  /** Factor of the result: 1 / count for a mean. */
  readonly scale: number;
  /** Type of the result; default: the input's. */
  readonly dtype?: 'f32' | 'f16';
}

/** Options of all reductions. */
export interface ReduceOptions {
  /** Dimension to reduce, or several (PyTorch's `dim`); negative ones are counted from the end; default all. */
  readonly dim?: number | readonly number[] | undefined;
  /** Another name of `dim`. */
  readonly dims?: number | readonly number[] | undefined;
  /** Keep the reduced dimensions with size 1; default false. */
  readonly keepdim?: boolean;
}

interface Specs {
  readonly x0: TensorSpec;
}
type Reduction = PlanContext<ReduceAttrs, ['x0'], ['y0']>;

/** Sums and extremes. */
export const reduceOps = new OpFamily<ReduceAttrs, ['x0'], ['y0']>();

/** Specs and plan every reduction shares; the ops add their gradients. */
export const reduceParts = {
  inputs: ['x0'] as const,
  outputs: ['y0'] as const,
  infer: ({ x0: x }: Specs, attrs: ReduceAttrs): { readonly y0: TensorSpec } => {
    const shape = reducedShape(x.shape, attrs);
    // The kept dimensions stay in memory order, so a result of rank 4 keeps its format.
    return { y0: { shape, dtype: attrs.dtype ?? x.dtype, format: shape.length === 4 ? x.format : 'rowMajor' } };
  },
  /** A result of lower rank lies row-major: a channels-last input is read as it is only where that comes out right. */
  formats: ({ x0: x }: Specs, attrs: ReduceAttrs): { readonly x0: FormatWish } => {
    if (x.format !== 'channelsLast' || attrs.keepdim) return { x0: 'keep' };
    const kept = memoryOrder(x).filter((d) => !attrs.dims.includes(d));
    return { x0: kept.every((d, i) => i === 0 || d > (kept[i - 1] as number)) ? 'keep' : 'rowMajor' };
  },
  plan: ({ inputs: { x0: spec }, attrs, target }: Reduction) => {
    const reduced = memoryOrder(spec).map((d) => attrs.dims.includes(d));
    const dtype = floatType(spec.dtype);
    const { kind, scale, dtype: outDtype = dtype } = attrs;
    return planReduce({ kind, shape: physicalShape(spec), reduced, dtype, outDtype, scale }, target);
  },
  /** A sum of nothing is 0, a mean NaN (0 · 1 / 0); there are no extremes of nothing. */
  planEmpty: ({ outputs: { y0 }, attrs, target }: Reduction) =>
    planFill({ slot: 'y0', count: sizeOf(y0.shape), value: 0 * attrs.scale, dtype: y0.dtype }, target),
};

/** A reduction: its name and gradient. */
export const defineReduction = (
  own: Pick<OpDef<ReduceAttrs, ['x0'], ['y0']>, 'name' | 'backward' | 'backwardDifferentiable'>,
): Op<ReduceAttrs, ['x0'], ['y0']> => reduceOps.add(defineOp<ReduceAttrs>()<['x0'], ['y0']>({ ...reduceParts, ...own }));

export const reduceOptions = ['dim', 'dims', 'keepdim'] as const;

/** Dimensions as the user gave them, made positive and ascending. Also checks that the reduction can take `x`. */
export function reducedDims(op: string, x: Tensor, { dim, dims = dim, keepdim }: ReduceOptions): number[] {
  checkFloat(op, x);
  checkFlags(op, { keepdim });
  if (dim !== undefined && dims !== dim) throw new OpError(op, 'takes dim or dims, which mean the same, not both');
  const all = typeof dims === 'number' ? [dims] : (dims ?? x.shape.map((_, i) => i));
  if (!Array.isArray(all)) throw new OpError(op, `dim is ${showValue(dims)}; give a number, or a list of them`);
  const fixed = (all as readonly number[]).map((d) => (d < 0 ? d + x.ndim : d));
  if (fixed.some((d) => !Number.isInteger(d) || d < 0 || d >= x.ndim))
    throw new OpError(op, `dimensions [${all.join(', ')}] are not all dimensions of shape ${showShape(x.shape)}`);
  if (new Set(fixed).size !== fixed.length) throw new OpError(op, `a dimension is named twice in [${all.join(', ')}]`);
  return fixed.sort((a, b) => a - b);
}

/** Shape of a result. */
export const reducedShape = (
  shape: readonly number[],
  { dims, keepdim = false }: Pick<ReduceAttrs, 'dims'> & { keepdim?: boolean },
): number[] => shape.flatMap((d, i) => (dims.includes(i) ? (keepdim ? [1] : []) : [d]));

/** The reduced dimensions put back with size 1. */
export const keptShape = (shape: readonly number[], dims: readonly number[]): number[] => shape.map((d, i) => (dims.includes(i) ? 1 : d));

/** Values behind each result; throws where there are no more than `correction`. */
export function countOf(op: string, x: Tensor, { dims, correction }: { dims: readonly number[]; correction: number }): number {
  checkNumber(op, { correction });
  const count = dims.reduce((n, d) => n * (x.shape[d] as number), 1);
  if (count > 0 && count - correction <= 0) throw new OpError(op, `needs more than ${correction} values per result, got ${count}`);
  return count;
}
