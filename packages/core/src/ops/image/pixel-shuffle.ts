import { checkNumber } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { permute } from '../views/permute.js';
import { reshape } from '../views/reshape.js';

/** [N, C · r², H, W] → [N, C, H · r, W · r]: channels become pixels (PyTorch's `F.pixel_shuffle`; arXiv:1609.05158). Any type. */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  checkTensor('pixelShuffle', x);
  checkNumber('pixelShuffle', { upscaleFactor }, { from: 1, whole: true });
  const [n = 0, channels = 0, h = 0, w = 0] = x.shape;
  const r = upscaleFactor;
  if (x.ndim !== 4 || channels % (r * r) !== 0)
    throw new OpError('pixelShuffle', `takes [N, C · ${r * r}, H, W], got ${showShape(x.shape)}`);
  const c = channels / (r * r);
  using whole = new AllOrNothing();
  return whole.done(reshape(permute(reshape(x, [n, c, r, r, h, w]), [0, 1, 4, 2, 5, 3]), [n, c, h * r, w * r]));
}
