import { planArgmax } from '@initlab/kernels';
import { checkFlags, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { AllOrNothing } from '../../storage/scope.js';
import { rowMajor, sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis, linesOf } from '../arguments/operands.js';
import { reshape } from '../views/reshape.js';

interface ArgmaxAttrs {
  readonly dim: number;
  readonly keepdim: boolean;
  readonly smallest: boolean;
}

const argmaxOp = defineOp<ArgmaxAttrs>()({
  name: 'argmax',
  inputs: ['x'],
  outputs: ['y'],
  formats: () => ({ x: 'rowMajor' }),
  infer: ({ x }, { dim, keepdim }) => ({
    y: rowMajor(keepdim ? x.shape.with(dim, 1) : x.shape.toSpliced(dim, 1), 'i32'),
  }),
  plan: ({ inputs: { x }, attrs: { dim, smallest }, target }) => planArgmax({ ...linesOf(x, dim), smallest, dtype: x.dtype }, target),
});

/** Options of `argmax` and `argmin`. */
export interface ArgmaxOptions {
  /** Default: all elements as one row, and the place counted in it. */
  readonly dim?: number;
  /** Leaves the dimension, or all of them, with size 1; default false. */
  readonly keepdim?: boolean;
}

function place(op: 'argmax' | 'argmin', x: Tensor, options: ArgmaxOptions): Tensor {
  checkTensor(op, x);
  checkOptions(op, options, ['dim', 'keepdim']);
  const { keepdim = false } = options;
  checkFlags(op, { keepdim });
  const smallest = op === 'argmin';
  const dim = options.dim === undefined ? undefined : axis(op, x, options.dim);
  if ((dim === undefined ? sizeOf(x.shape) : x.shape[dim]) === 0)
    throw new OpError(
      op,
      `there is none of nothing: ${dim === undefined ? '' : `dimension ${dim} of `}${showShape(x.shape)} has no elements`,
    );
  if (dim !== undefined) return applyOne(argmaxOp, { x }, { dim, keepdim, smallest });
  using whole = new AllOrNothing();
  const found = applyOne(argmaxOp, { x: reshape(x, [-1]) }, { dim: 0, keepdim: false, smallest });
  return whole.done(
    keepdim
      ? reshape(
          found,
          x.shape.map(() => 1),
        )
      : found,
  );
}

/**
 * Place of the largest element along `dim`, or of all (PyTorch's `argmax`): i32, of equals the first; NaN counts as the largest. Any type;
 * not differentiable. Throws where there is no element.
 */
export const argmax = (x: Tensor, options: ArgmaxOptions = {}): Tensor => place('argmax', x, options);

/** Place of the smallest element (PyTorch's `argmin`); otherwise as `argmax`, and NaN counts as the smallest. */
export const argmin = (x: Tensor, options: ArgmaxOptions = {}): Tensor => place('argmin', x, options);
