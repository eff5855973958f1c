import { planResample, type ResampleProblem } from '@initlab/kernels';
import { checkInterpolation, type InterpolateOptions } from '../../checks/check-interpolation.js';
import { OpError, showShape, showValue } from '../../checks/errors.js';
import { applyOne } from '../../op/op.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type ResizeAttrs, refuseNoPixels, resizedShape, resizeProblem } from '../arguments/adaptive-size.js';
import { checkFloat } from '../arguments/operands.js';
import { adaptiveAvgPool2d } from './adaptive-pool.js';
import { defineLinearPooling } from './define-pooling.js';

interface ResampleAttrs extends ResizeAttrs, Pick<ResampleProblem, 'step' | 'mode'> {}

const resampleOp = defineLinearPooling<ResampleAttrs>({
  name: 'interpolate',
  shape: resizedShape,
  plan: (kind, { dtype, attrs: { step, mode, ...sizes }, target }) =>
    planResample({ ...resizeProblem(sizes, dtype), step, mode }, kind, target),
});

/** Images [N, C, H, W] in another size (PyTorch's `F.interpolate`), channels last in memory. */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  checkFloat('interpolate', x);
  const { size, factors, mode, corners } = checkInterpolation('interpolate', options);
  if (x.ndim !== 4) throw new OpError('interpolate', `takes [N, C, H, W], got ${showShape(x.shape)}`);
  const inSize = x.shape.slice(2) as [number, number];
  refuseNoPixels('interpolate', x);
  const scaled = inSize.map((length, i) => Math.floor(length * (factors[i] as number))) as [number, number];
  if (size === undefined && scaled.includes(0))
    throw new OpError(
      'interpolate',
      `scaleFactor ${showValue(options.scaleFactor)} leaves ${showShape(scaled)} pixels of ${showShape(inSize)}; give a larger one`,
    );
  const outSize = size ?? scaled;
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
