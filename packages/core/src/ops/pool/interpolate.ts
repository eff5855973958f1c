import { planResample, type ResampleProblem } from '@initlab/kernels';
import { checkInterpolation, type InterpolateOptions } from '../../checks/check-interpolation.js';
import { checkedPair } from '../../checks/check-numbers.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne } from '../../op/op.js';
import { floatType } from '../../storage/float-type.js';
import type { TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/check-float.js';
import { adaptiveAvgPool2d } from './adaptive-avg-pool.js';
import { defineLinearPooling } from './define-pooling.js';

interface ResampleAttrs extends Pick<ResampleProblem, 'step' | 'mode'> {
  readonly xShape: readonly number[];
  readonly outSize: readonly [number, number];
}
const problemOf = ({ xShape, outSize, step, mode }: ResampleAttrs, dtype: TensorSpec['dtype']): ResampleProblem => {
  const [batch = 0, channels = 0, inHeight = 0, inWidth = 0] = xShape;
  const [outHeight, outWidth] = outSize;
  return { batch, channels, inHeight, inWidth, outHeight, outWidth, step, mode, dtype: floatType(dtype) };
};

const resampleOp = defineLinearPooling<ResampleAttrs>({
  name: 'interpolate',
  shape: ({ xShape, outSize }) => [...xShape.slice(0, 2), ...outSize],
  plan: (kind, { dtype, attrs, target }) => planResample(problemOf(attrs, dtype), kind, target),
});

/** Images [N, C, H, W] in another size (PyTorch's `F.interpolate`), channels last in memory. */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  checkFloat('interpolate', x);
  const { size, factors, mode, corners } = checkInterpolation('interpolate', options);
  if (x.ndim !== 4) throw new OpError('interpolate', `takes [N, C, H, W], got ${showShape(x.shape)}`);
  const inSize = x.shape.slice(2) as [number, number];
  if (inSize.includes(0)) throw new OpError('interpolate', `x ${showShape(x.shape)} has images of no pixels`);
  const scaled = inSize.map((length, i) => Math.floor(length * (factors[i] as number))) as [number, number];
  const outSize = size ?? checkedPair('interpolate', { scaleFactor: scaled });
  if (mode === 'area') return adaptiveAvgPool2d(x, outSize);
  const step = inSize.map((length, i) => {
    const out = outSize[i] as number;
    if (corners) return out > 1 ? (length - 1) / (out - 1) : 0;
    // Bilinear leaves a length that stays, whatever the factor that was rounded down to it, as PyTorch does.
    return size === undefined && (out !== length || mode !== 'bilinear') ? 1 / (factors[i] as number) : length / out;
  }) as [number, number];
  const kind = corners ? (mode === 'bicubic' ? 'bicubicCorners' : 'corners') : mode;
  return applyOne(resampleOp, { x }, { xShape: x.shape, outSize, step, mode: kind });
}
