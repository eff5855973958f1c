import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sameShape } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axis } from '../arguments/operands.js';
import { newAxis, unsqueeze } from '../views/axes.js';
import { cat, narrow } from './regions.js';

/** Tensors of one shape and type, side by side along a new dimension `dim`, default 0 (PyTorch's `stack`). */
export function stack(tensors: readonly Tensor[], options: { dim?: number } = {}): Tensor {
  checkOptions('stack', options, ['dim']);
  const { dim = 0 } = options;
  if (!Array.isArray(tensors) || tensors.length === 0) throw new OpError('stack', 'takes a list of tensors: stack([a, b])');
  const [first] = tensors as [Tensor];
  tensors.forEach((x: Tensor, i) => {
    checkTensor('stack', x, `tensors[${i}]`);
    if (!sameShape(x.shape, first.shape) || x.dtype !== first.dtype)
      throw new OpError(
        'stack',
        `tensors[${i}] is ${showShape(x.shape)} ${x.dtype} and the first ${showShape(first.shape)} ${first.dtype}; they must be alike`,
      );
  });
  const along = newAxis('stack', first, dim);
  using whole = new AllOrNothing();
  return whole.done(
    cat(
      tensors.map((x: Tensor) => unsqueeze(x, along)),
      { dim: along },
    ),
  );
}

/**
 * Parts of `x` along `dim`, default 0, as copies (PyTorch's `split`): of `sizes` elements each, the last with what is left, or of the
 * sizes listed, which must add up.
 */
export function split(x: Tensor, sizes: number | readonly number[], options: { dim?: number } = {}): Tensor[] {
  checkOptions('split', options, ['dim']);
  const dim = axis('split', x, options.dim ?? 0);
  const length = x.shape[dim] as number;
  if (typeof sizes === 'number') checkNumber('split', { sizes }, { from: 1, whole: true });
  else if (!Array.isArray(sizes) || sizes.some((s) => !Number.isInteger(s) || s < 0) || sizes.reduce((a, b) => a + b, 0) !== length)
    throw new OpError('split', `sizes are whole numbers that add up to ${length}, the size of dimension ${dim} of ${showShape(x.shape)}`);
  const parts =
    typeof sizes === 'number'
      ? Array.from({ length: Math.max(1, Math.ceil(length / sizes)) }, (_, i) => Math.min(sizes, length - i * sizes))
      : sizes;
  using whole = new AllOrNothing();
  let start = 0;
  const found = parts.map((part) => {
    start += part;
    return narrow(x, { dim, start: start - part, length: part });
  });
  return whole.done(found);
}

/**
 * At most `chunks` parts of `x` along `dim`, default 0, of equal sizes but for the last (PyTorch's `chunk`): fewer where the sizes,
 * rounded up, leave nothing for the others.
 */
export function chunk(x: Tensor, chunks: number, options: { dim?: number } = {}): Tensor[] {
  checkOptions('chunk', options, ['dim']);
  const dim = axis('chunk', x, options.dim ?? 0);
  checkNumber('chunk', { chunks }, { from: 1, whole: true });
  const length = x.shape[dim] as number;
  return length === 0 ? split(x, Array<number>(chunks).fill(0), { dim }) : split(x, Math.ceil(length / chunks), { dim });
}
