import { cast, mul, OpError, ones, type Tensor } from '@initlab/core';
import { checkTensors, showShape } from '@initlab/core/internal';
import { Dropout } from './dropout.js';

/** The same choice for all elements behind dimensions of the mask that are 1. */
abstract class PartDropout extends Dropout {
  protected abstract maskShape(x: Tensor): number[];

  override forward(x: Tensor): Tensor {
    if (!this.training || this.p === 0) return x;
    checkTensors(this.constructor.name, { x });
    const mask = super.forward(ones(this.maskShape(x), { device: x.device }));
    return mul(x, cast(mask, x.dtype));
  }
}

/** Zeroes whole channels of [N, C, H, W] in training (PyTorch's `nn.Dropout2d`; arXiv:1411.4280); options as `Dropout`. */
export class Dropout2d extends PartDropout {
  protected override maskShape(x: Tensor): number[] {
    if (x.ndim < 2) throw new OpError('Dropout2d', `takes [N, C, …], got ${showShape(x.shape)}`);
    return x.shape.map((size, d) => (d < 2 ? size : 1));
  }
}

/**
 * Zeroes whole examples in training, the rest divided by 1 − p: at the end of a residual branch, stochastic depth (torchvision's
 * `StochasticDepth` with mode `row`, timm's `DropPath`; arXiv:1603.09382); options as `Dropout`.
 */
export class DropPath extends PartDropout {
  protected override maskShape(x: Tensor): number[] {
    if (x.ndim < 1) throw new OpError('DropPath', `takes [N, …], got ${showShape(x.shape)}`);
    return x.shape.map((size, d) => (d === 0 ? size : 1));
  }
}
