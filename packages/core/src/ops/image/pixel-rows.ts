import { checkShape } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne } from '../../op/op.js';
import { rowMajor } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { defineView } from '../views/reshape.js';

const pixelRowsOp = defineView<null>('pixelRows', {
  of: 'channelsLast',
  infer: ({ shape: [n = 0, channels = 0, height = 0, width = 0], dtype }) => rowMajor([n * height * width, channels], dtype),
  backward: (dy, x) => imagesOfRows(dy, x.shape),
});

const imagesOfRowsOp = defineView<{ shape: readonly number[] }>('imagesOfRows', {
  infer: ({ dtype }, { shape }) => ({ shape, dtype, format: 'channelsLast' }),
  backward: pixelRows,
});

/**
 * A row for each pixel of `x` [N, C, H, W], with its channels: [N·H·W, C] (PyTorch: `x.permute(0, 2, 3, 1).reshape(-1, C)`). Shares
 * the bytes of what lies channels last, as activations do. What works on rows (`linear`, `layerNorm`) so works on pixels.
 */
export function pixelRows(x: Tensor): Tensor {
  checkTensor('pixelRows', x);
  if (x.ndim !== 4) throw new OpError('pixelRows', `takes images [N, C, H, W], got ${showShape(x.shape)}`);
  return applyOne(pixelRowsOp, { x }, null);
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
