import type { Generator, Tensor } from '@initlab/core';
import { calculateFanInAndFanOut } from '../init/fan.js';
import { kaimingUniform_, uniform_ } from '../init/fills.js';
import type { Conv2d } from '../layers/conv2d.js';
import type { Linear } from '../layers/linear.js';

/** As PyTorch's layers start: weight and bias U(±1/√fanIn). Of tensors that several layers have, the first layer draws. */
export function drawAsTorch(
  { weight, bias }: Conv2d | Linear,
  { generator, isFirst }: { generator: Generator | undefined; isFirst: (x: Tensor) => boolean },
): void {
  if (isFirst(weight)) kaimingUniform_(weight, { a: Math.sqrt(5), generator });
  const bound = 1 / Math.sqrt(calculateFanInAndFanOut(weight.shape).fanIn);
  if (bias && isFirst(bias)) uniform_(bias, { a: -bound, b: bound, generator });
}
