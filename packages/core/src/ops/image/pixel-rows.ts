import { checkShape } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp, noPlan } from '../../op/op.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

const pixelRowsOp = defineOp<object>()({
  name: 'pixelRows',
  inputs: ['x'],
  outputs: ['y'],
  view: 'x',
  formats: () => ({ x: 'channelsLast' }),
  infer: ({ x: { shape, dtype } }) => {
    const [n = 0, channels = 0, height = 0, width = 0] = shape;
    return { y: { shape: [n * height * width, channels], dtype, format: 'rowMajor' } };
  },
  plan: noPlan,
  backward: ({ grads, inputs: { x } }) => ({ x: imagesOfRows(grads.y, x.shape) }),
  backwardDifferentiable: true,
});

const imagesOfRowsOp = defineOp<{ shape: readonly number[] }>()({
  name: 'imagesOfRows',
  inputs: ['x'],
  outputs: ['y'],
  view: 'x',
  infer: ({ x: { dtype } }, { shape }) => ({ y: { shape, dtype, format: 'channelsLast' } }),
  plan: noPlan,
  backward: ({ grads }) => ({ x: pixelRows(grads.y) }),
  backwardDifferentiable: true,
});

/**
 * A row for each pixel of `x` [N, C, H, W], with its channels: [N·H·W, C] (PyTorch: `x.permute(0, 2, 3, 1).reshape(-1, C)`). Shares
 * the bytes of what lies channels last, as activations do. What works on rows (`linear`, `layerNorm`) so works on pixels.
 */
export function pixelRows(x: Tensor): Tensor {
  checkTensor('pixelRows', x);
  if (x.ndim !== 4) throw new OpError('pixelRows', `takes images [N, C, H, W], got ${showShape(x.shape)}`);
  return applyOne(pixelRowsOp, { x }, {});
}

/** The way back: rows of pixels [N·H·W, C] as images of this shape, [N, C, H, W], which share the bytes. */
export function imagesOfRows(rows: Tensor, shape: readonly number[]): Tensor {
  checkTensor('imagesOfRows', rows);
  checkShape('imagesOfRows', shape);
  const [n = 0, channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 4 || rows.ndim !== 2 || rows.shape[0] !== n * height * width || rows.shape[1] !== channels)
    throw new OpError(
      'imagesOfRows',
      `takes rows [N·H·W, C] and the shape [N, C, H, W], got ${showShape(rows.shape)} and ${showShape(shape)}`,
    );
  return applyOne(imagesOfRowsOp, { x: rows }, { shape: [...shape] });
}
