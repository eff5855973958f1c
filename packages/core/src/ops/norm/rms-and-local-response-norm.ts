import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../arguments/operands.js';
import { add, div, mul, pow } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { rsqrt, square } from '../pointwise/unary.js';
import { narrow, padConstant } from '../region/regions.js';
import { mean } from '../sum/sum.js';
import { checkTail } from './norms.js';

/** Options of `rmsNorm`. */
export interface RmsNormOptions {
  /** The last dimensions, over which the mean of squares is taken. */
  readonly normalizedShape: readonly number[];
  /** One factor for each of their elements. */
  readonly weight?: Tensor | undefined;
  /** Added to the mean of squares. Default: f32's rounding, 2⁻²³, as in PyTorch. */
  readonly eps?: number | undefined;
}

/** x / √(mean of x² + eps) · weight over the last dimensions, in f32 (PyTorch's `F.rms_norm`; arXiv:1910.07467); same shape. */
export function rmsNorm(x: Tensor, options: RmsNormOptions): Tensor {
  checkFloat('rmsNorm', x);
  checkOptions('rmsNorm', options, ['normalizedShape', 'weight', 'eps']);
  const { normalizedShape, weight, eps = 2 ** -23 } = options;
  checkNumber('rmsNorm', { eps }, { from: 0 });
  checkTail('rmsNorm', x, options);
  using whole = new AllOrNothing();
  const of = cast(x, 'f32');
  const dims = normalizedShape.map((_, i) => x.ndim - normalizedShape.length + i);
  const normed = mul(of, rsqrt(add(mean(square(of), { dims, keepdim: true }), eps)));
  return whole.done(cast(weight ? mul(normed, cast(weight, 'f32')) : normed, x.dtype));
}

/** Options of `localResponseNorm`; the defaults are PyTorch's. */
export interface LocalResponseNormOptions {
  /** Channels of a window. */
  readonly size: number;
  /** Default 1e-4. */
  readonly alpha?: number | undefined;
  /** Default 0.75. */
  readonly beta?: number | undefined;
  /** Default 1. */
  readonly k?: number | undefined;
}

/** x / (k + alpha · mean of x² over a window of channels)^beta, [N, C, …] → same, in f32 (PyTorch's `F.local_response_norm`; AlexNet's). */
export function localResponseNorm(x: Tensor, options: LocalResponseNormOptions): Tensor {
  checkFloat('localResponseNorm', x);
  checkOptions('localResponseNorm', options, ['size', 'alpha', 'beta', 'k']);
  const { size, alpha = 1e-4, beta = 0.75, k = 1 } = options;
  checkNumber('localResponseNorm', { size }, { from: 1, whole: true });
  checkNumber('localResponseNorm', { alpha, beta, k });
  if (x.ndim < 2) throw new OpError('localResponseNorm', `takes [N, C, …], got ${showShape(x.shape)}`);
  using whole = new AllOrNothing();
  const channels = x.shape[1] as number;
  const side = (n: number): number[] => x.shape.map((_, d) => (d === 1 ? n : 0));
  // In f32: squares of halves are beyond them from 256 on.
  const squares = padConstant(square(cast(x, 'f32')), {
    before: side(Math.floor(size / 2)),
    after: side(Math.floor((size - 1) / 2)),
    value: 0,
  });
  let sums = narrow(squares, { dim: 1, start: 0, length: channels });
  for (let start = 1; start < size; start++) sums = add(sums, narrow(squares, { dim: 1, start, length: channels }));
  return whole.done(cast(div(cast(x, 'f32'), pow(add(mul(sums, alpha / size), k), beta)), x.dtype));
}
