import { checkedPair, checkOptions, type Pair } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { noGrad } from '../../op/tape.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sameShape } from '../../storage/spec.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { addAlong, argsort, takeAlong } from '../indexed/indexed-ops.js';
import { greaterEqual, less, mul, notEqual } from '../pointwise/binary.js';
import { where } from '../pointwise/where.js';
import { narrow, padConstant } from '../region/regions.js';
import { reshape } from '../views/reshape.js';
import type { PoolOptions } from './pool.js';

/** Options of `maxUnpool2d`: those of the pooling, and the size that its input had. */
export interface MaxUnpoolOptions extends Pick<PoolOptions, 'kernelSize' | 'stride' | 'padding'> {
  /** Height and width of the result, less than a stride away from the default: (H − 1) · stride − 2 · padding + kernel. */
  readonly outputSize?: Pair | undefined;
}

/**
 * Values put back where `maxPool2dWithIndices` found them, zeros elsewhere, [N, C, H, W] → [N, C, H', W'] (PyTorch's `F.max_unpool2d`). Of
 * several for one place the last in row-major order stands there, and alone has a gradient. An index outside puts nothing. Row-major.
 */
export function maxUnpool2d(x: Tensor, indices: Tensor, options: MaxUnpoolOptions): Tensor {
  const op = 'maxUnpool2d';
  checkTensors(op, { x, indices });
  checkFloat(op, x);
  if (x.ndim !== 4 || !sameShape(x.shape, indices.shape) || indices.dtype !== 'i32')
    throw new OpError(
      op,
      `takes [N, C, H, W] and i32 indices of its shape, got ${showShape(x.shape)} and ${indices.dtype} ${showShape(indices.shape)}`,
    );
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const [outHeight, outWidth] = unpooledSize(op, [height, width], options);
  const [count, length] = [height * width, outHeight * outWidth];
  using whole = new AllOrNothing();
  const rows = (each: Tensor): Tensor => reshape(each, [batch * channels, count]);
  const [values, index] = [rows(x), rows(indices)];
  const put = x.size === 0 ? addAlong(values, index, { dim: 1, length }) : putLast(values, index, length);
  return whole.done(reshape(put, [batch, channels, outHeight, outWidth]));
}

function unpooledSize(op: string, inSize: readonly [number, number], options: MaxUnpoolOptions): readonly [number, number] {
  checkOptions(op, options, ['kernelSize', 'stride', 'padding', 'outputSize']);
  const { kernelSize, outputSize } = options;
  const kernel = checkedPair(op, { kernelSize });
  const stride = checkedPair(op, { stride: options.stride ?? kernelSize });
  const padding = checkedPair(op, { padding: options.padding ?? 0 }, 0);
  const along = (axis: 0 | 1): number => (inSize[axis] - 1) * stride[axis] - 2 * padding[axis] + kernel[axis];
  const usual = [along(0), along(1)] as const;
  const size = outputSize === undefined ? usual : checkedPair(op, { outputSize });
  if (size.some((length, i) => length < 1 || Math.abs(length - (usual[i] as number)) >= (stride[i] as number)))
    throw new OpError(op, `outputSize ${size} must be at least 1, and less than the stride ${stride} away from ${usual}`);
  return size;
}

/** Each row's values at its places in a row of `length`: an index outside, and one that comes again later, is left out. */
function putLast(values: Tensor, index: Tensor, length: number): Tensor {
  const count = index.shape[1] as number;
  const { places, order, counts } = noGrad(() => {
    // Equal ones side by side, in their order.
    const order = argsort(index, { dim: 1, descending: false });
    const sorted = takeAlong(index, order, 1);
    const next = padConstant(narrow(sorted, { dim: 1, start: 1, length: count - 1 }), { before: [0, 0], after: [0, 1], value: -2 });
    const inside = mul(greaterEqual(sorted, 0), less(sorted, length));
    return { places: where(inside, sorted, 0), order, counts: mul(inside, notEqual(sorted, next)) };
  });
  return addAlong(where(counts, takeAlong(values, order, 1), 0), places, { dim: 1, length });
}
