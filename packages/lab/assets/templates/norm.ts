import { add, type Device, mean, mul, reshape, rsqrt, square, sub, type Tensor } from '@initlab/core';
import { Module, Parameter } from '@initlab/nn';

/**
 * A normalisation layer, put after every convolution: [B, C, H, W] → [B, C, H, W].
 * Tensor operations are enough: the gradient comes by itself. This one is instance normalisation, to start from.
 * Try it: npx initlab train --arch resnet20 --dataset fashion-mnist-sample --epochs 1 --norm ./THIS-FILE.ts
 */
export class MyNorm extends Module {
  weight: Parameter;
  bias: Parameter;

  constructor(
    readonly numFeatures: number,
    { device }: { device?: Device | undefined } = {},
  ) {
    super();
    this.weight = new Parameter([numFeatures], { device, value: 1 });
    this.bias = new Parameter([numFeatures], { device, value: 0 });
  }

  override forward(x: Tensor): Tensor {
    const perChannel = [1, this.numFeatures, 1, 1];
    const centred = sub(x, mean(x, { dims: [2, 3], keepdim: true }));
    const variance = mean(square(centred), { dims: [2, 3], keepdim: true });
    const normal = mul(centred, rsqrt(add(variance, 1e-5)));
    return add(mul(normal, reshape(this.weight, perChannel)), reshape(this.bias, perChannel));
  }
}
