import { type PointwiseChain, planPointwise } from '@initlab/kernels';
import { OpError, showShape } from '../errors.js';
import { applyOne, defineOp, type OpDef, type PlanContext } from '../op.js';
import { broadcastShapes, physicalShape, sameShape, type TensorSpec } from '../spec.js';
import { broadcastStrides } from '../strides.js';
import type { Tensor } from '../tensor.js';
import { keptShape, normalizeDims, type ReduceAttrs, type ReduceOptions, reduceParts } from './reduce-parts.js';
import { reshape } from './reshape.js';

// Sum and expand are each other's gradients, so they share a file.

interface ExpandAttrs {
  readonly shape: readonly number[];
  readonly format: Tensor['format'];
  readonly scale: number;
}

const expandOp = defineOp<ExpandAttrs>({
  name: 'expand',
  inputs: ['x0'],
  outputs: ['y0'],
  infer: ([x], { shape, format }) => [{ shape, dtype: x?.dtype ?? 'f32', format: shape.length === 4 ? format : 'rowMajor' }],
  pointwise: expandChain,
  plan: (context) => planPointwise(expandChain(context), context.target),
  backward: ({ grads: [g], inputs: [x], attrs }) => [g && x && reduceTo(g, x.shape, attrs.scale)],
  backwardDifferentiable: true,
});

function expandChain({ inputs: [x], outputs: [y], attrs }: Omit<PlanContext<ExpandAttrs>, 'target'>): PointwiseChain {
  const [from, to] = [x as TensorSpec, y as TensorSpec];
  const scaled = attrs.scale !== 1;
  return {
    shape: physicalShape(to),
    inputs: [{ dtype: from.dtype, strides: broadcastStrides(from, to) }],
    steps: scaled ? [{ f: { kind: 'binary', row: 'mul' }, args: [{ input: 0 }, { scalar: attrs.scale }] }] : [],
    outputs: [{ value: scaled ? { step: 0 } : { input: 0 }, dtype: to.dtype }],
  };
}

const sumOp: OpDef<ReduceAttrs> = defineOp<ReduceAttrs>({
  ...reduceParts,
  name: 'sum',
  backward: ({ grads: [g], inputs: [x], attrs: { dims, scale } }) => {
    if (!g || !x) return [];
    const kept = reshape(g, keptShape(x.shape, dims));
    return [applyOne(expandOp, [kept], { shape: x.shape, format: x.format, scale })];
  },
  backwardDifferentiable: true,
});

/** Sum over `dims` (PyTorch's `sum(dim, keepdim)`). Fixed order: the same bits every time. */
export function sum(x: Tensor, { dims, keepdim = false }: ReduceOptions = {}): Tensor {
  return applyOne(sumOp, [x], { kind: 'sum', dims: normalizeDims('sum', x, dims), keepdim, scale: 1 });
}

/** Mean over `dims`. */
export function mean(x: Tensor, { dims, keepdim = false }: ReduceOptions = {}): Tensor {
  const over = normalizeDims('mean', x, dims);
  const count = over.reduce((n, d) => n * (x.shape[d] as number), 1);
  return applyOne(sumOp, [x], { kind: 'sum', dims: over, keepdim, scale: 1 / count });
}

/**
 * The tensor repeated along its dimensions of size 1, and along new leading ones (PyTorch's `expand`, but a copy).
 * −1 keeps a size. `format` is the memory format of a 4-D result.
 */
export function expand(x: Tensor, shape: readonly number[], options: { format?: Tensor['format'] } = {}): Tensor {
  const lead = shape.length - x.ndim;
  const target = shape.map((d, i) => (d === -1 ? (x.shape[i - lead] ?? -1) : d));
  const joined = broadcastShapes(x.shape, target);
  if (!joined || !sameShape(joined, target))
    throw new OpError('expand', `${showShape(x.shape)} does not expand to ${showShape(shape)}: only sizes of 1 grow`);
  const format = options.format ?? (x.ndim === 4 ? x.format : 'rowMajor');
  if (sameShape(x.shape, target) && (x.ndim !== 4 || x.format === format)) return x;
  return applyOne(expandOp, [x], { shape: target, format, scale: 1 });
}

/** The gradient of broadcasting: sums a tensor down to `shape`. */
export const sumTo = (x: Tensor, shape: readonly number[]): Tensor => reduceTo(x, shape, 1);

function reduceTo(x: Tensor, shape: readonly number[], scale: number): Tensor {
  if (sameShape(x.shape, shape) && scale === 1) return x;
  const lead = x.ndim - shape.length;
  const dims = x.shape.flatMap((d, i) => (i < lead || (shape[i - lead] === 1 && d !== 1) ? [i] : []));
  // Leading dimensions go, the others keep their place with size 1.
  const keepdim = dims.every((d) => d >= lead);
  const summed = applyOne(sumOp, [x], { kind: 'sum', dims, keepdim, scale });
  return reshape(summed, shape);
}
