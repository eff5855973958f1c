import { type Piece, planCopyRegions, planPiecesGrad } from '@initlab/kernels';
import { applyOne, defineOp, type Op } from '../../op/op.js';
import { copyTo, floatType, logicalStrides } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { linesOf } from '../arguments/operands.js';
import { pointwiseFormats, specLike } from '../pointwise/pointwise.js';
import { reshape } from '../views/reshape.js';

// Flip, roll, strided slices and the padding modes are one op: a dimension put together of pieces of it. A piece's slices
// lie `step` apart, which may be negative, or 0 for the same slice again. The gradient is the adjoint, whose gradient is the op itself.

interface PiecesAttrs {
  readonly dim: number;
  /** One to three. */
  readonly pieces: readonly Piece[];
  /** Shape that the pieces are taken from. */
  readonly xShape: readonly number[];
}

const lengthOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { length }) => sum + length, 0);

const piecesOp: Op<PiecesAttrs, ['x'], ['y']> = defineOp<PiecesAttrs>()({
  name: 'piecesAlong',
  inputs: ['x'],
  outputs: ['y'],
  formats: pointwiseFormats,
  infer: ({ x }, { dim, pieces }) => ({ y: specLike(x.shape.with(dim, lengthOf(pieces)), [x]) }),
  plan: ({ inputs: { x }, outputs: { y }, attrs: { dim, pieces }, target }) => {
    const from = logicalStrides(x);
    const near = from[dim] as number;
    const regions = pieces.map(({ start, step, length }, i) =>
      copyTo(y, {
        shape: x.shape.with(dim, length),
        strides: from.with(dim, near * step),
        offset: start * near,
        start: y.shape.map((_, d) => (d === dim ? lengthOf(pieces.slice(0, i)) : 0)),
      }),
    );
    return planCopyRegions(regions, target);
  },
  backward: ({ grads: { y: dy }, attrs }) => ({ x: applyOne(piecesGradOp, { dy }, attrs) }),
  backwardDifferentiable: true,
});

const piecesGradOp: Op<PiecesAttrs, ['dy'], ['dx']> = defineOp<PiecesAttrs>()({
  name: 'piecesAlongGrad',
  inputs: ['dy'],
  outputs: ['dx'],
  formats: pointwiseFormats,
  infer: ({ dy }, { xShape }) => ({ dx: specLike(xShape, [dy]) }),
  plan: ({ inputs: { dy }, outputs: { dx }, attrs: { dim, pieces }, target }) =>
    planPiecesGrad({ ...linesOf(dx, dim), pieces, dtype: floatType(dy.dtype) }, target),
  backward: ({ grads: { dx: x }, attrs }) => ({ dy: applyOne(piecesOp, { x }, attrs) }),
  backwardDifferentiable: true,
});

/** `x` with dimension `dim` put together of pieces of it, one to three. */
export function piecesAlong(x: Tensor, dim: number, pieces: readonly Piece[]): Tensor {
  const some = pieces.filter(({ length }) => length > 0);
  return applyOne(piecesOp, { x }, { dim, pieces: some, xShape: x.shape });
}

/** What was made of `x`, or a copy where nothing was to do: a result is its owner's, to write to and to dispose of. */
export function orCopy(found: Tensor, x: Tensor): Tensor {
  if (found !== x) return found;
  const [first = 1, ...rest] = x.shape;
  const rows = reshape(x, [first, ...rest]);
  return reshape(piecesAlong(rows, 0, [{ start: 0, step: 1, length: first }]), x.shape);
}
