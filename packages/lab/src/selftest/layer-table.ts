import * as core from '@initlab/core';
import { type Tensor, tensor } from '@initlab/core';
import { fill } from './fill.js';
import type { FunctionAttrs, FunctionCall } from './function-table.js';

/** What a case's options are, said by the function that takes them. */
const given = <T>(attrs: FunctionAttrs): T => attrs as unknown as T;
const factors = (x: Tensor, shape: number[]): Tensor =>
  tensor(fill(shape[0] as number, { seed: 9, scale: 1, shift: 2 }), { shape, device: x.device });

/** How what a layer computes is called here, by its function's name. */
export const layerTable: Readonly<Record<string, FunctionCall>> = {
  mish: ([x]) => core.mish(x),
  hardsigmoid: ([x]) => core.hardsigmoid(x),
  selu: ([x]) => core.selu(x),
  glu: ([x], a) => core.glu(x, given(a)),
  prelu: ([x, weight]) => core.prelu(x, weight),
  convTranspose2d: ([x, weight, bias], a) => core.convTranspose2d(x, weight, { bias, ...given<object>(a) }),
  interpolate: ([x], a) => core.interpolate(x, given(a)),
  pixelShuffle: ([x], a) => core.pixelShuffle(x, a.upscaleFactor as number),
  // Cubed, so that the second derivative is not 0.
  pixelRows: ([x]) => core.pow(core.pixelRows(x), 3),
  imagesOfRows: ([x], a) => core.imagesOfRows(core.pow(x, 3), a.shape as number[]),
  rmsNorm: ([x, weight], a) => core.rmsNorm(x, { ...given<{ normalizedShape: number[] }>(a), weight }),
  localResponseNorm: ([x], a) => core.localResponseNorm(x, given(a)),
  nllLoss: ([x, target], { weighted, ...rest }) =>
    core.nllLoss(x, target, {
      ...given<object>(rest),
      weight: weighted ? factors(x, [x.shape[x.ndim === 1 ? 0 : 1] as number]) : undefined,
    }),
};
