import { adjustmentNumbers, planAdjustImages } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

const adjustOp = defineOp<{ readonly step: number }>()({
  name: 'adjustImages',
  inputs: ['x', 'rows'],
  outputs: ['y'],
  formats: () => ({ x: 'channelsLast' }),
  infer: ({ x }) => ({ y: { shape: x.shape, dtype: 'f32', format: 'channelsLast' } }),
  plan: ({ inputs: { x }, attrs: { step }, target }) => {
    const [batch = 0, channels, height = 0, width = 0] = x.shape;
    return planAdjustImages({ batch, channels: channels === 3 ? 3 : 1, height, width, step }, target);
  },
});

/**
 * Images [B, C, H, W] of one channel or three whose values are bytes (whole numbers from 0 to 255, f32), each changed by its row: of
 * `rows` [steps, B, 8] (f32, `adjustmentRow`) those of `step`. Colours of gray images stay. The result is again of bytes. Not differentiable.
 */
export function adjustImages(images: Tensor, rows: Tensor, options: { readonly step?: number } = {}): Tensor {
  const name = 'adjustImages';
  checkTensors(name, { images, rows });
  checkOptions(name, options, ['step']);
  const { step = 0 } = options;
  const [batch, channels] = images.shape;
  if (images.ndim !== 4 || images.dtype !== 'f32' || !(channels === 1 || channels === 3))
    throw new OpError(name, `takes images [B, 1 or 3, H, W] f32, got ${images.dtype} ${showShape(images.shape)}`);
  const [steps = 0, each, numbers] = rows.shape;
  if (rows.ndim !== 3 || rows.dtype !== 'f32' || each !== batch || numbers !== adjustmentNumbers)
    throw new OpError(name, `takes rows [steps, ${batch}, ${adjustmentNumbers}] f32, got ${rows.dtype} ${showShape(rows.shape)}`);
  checkNumber(name, { step }, { from: 0, to: steps - 1, whole: true });
  return applyOne(adjustOp, { x: images, rows }, { step });
}
