import * as core from '@initlab/core';
import { checkNumber } from '@initlab/core';
import { Module } from '../module/module.js';
import { showSettings } from '../module/show-settings.js';

type Tensor = core.Tensor;

/** A module without parameters made from a function of tensors. */
abstract class Activation extends Module {}

/** max(x, 0) (PyTorch's `nn.ReLU`). */
export class ReLU extends Activation {
  override forward(x: Tensor): Tensor {
    return core.relu(x);
  }
}
/** x kept within 0 and 6 (PyTorch's `nn.ReLU6`). */
export class ReLU6 extends Activation {
  override forward(x: Tensor): Tensor {
    return core.relu6(x);
  }
}
/** 1 / (1 + e⁻ˣ) (PyTorch's `nn.Sigmoid`). */
export class Sigmoid extends Activation {
  override forward(x: Tensor): Tensor {
    return core.sigmoid(x);
  }
}
/** Hyperbolic tangent (PyTorch's `nn.Tanh`). */
export class Tanh extends Activation {
  override forward(x: Tensor): Tensor {
    return core.tanh(x);
  }
}
/** x · sigmoid(x) (PyTorch's `nn.SiLU`). */
export class SiLU extends Activation {
  override forward(x: Tensor): Tensor {
    return core.silu(x);
  }
}
/** x · Φ(x) by the error function (PyTorch's `nn.GELU`; arXiv:1606.08415). */
export class GELU extends Activation {
  override forward(x: Tensor): Tensor {
    return core.gelu(x);
  }
}
/** x · relu6(x + 3) / 6 (PyTorch's `nn.Hardswish`). */
export class Hardswish extends Activation {
  override forward(x: Tensor): Tensor {
    return core.hardswish(x);
  }
}
/** log(1 + eˣ) (PyTorch's `nn.Softplus`). */
export class Softplus extends Activation {
  override forward(x: Tensor): Tensor {
    return core.softplus(x);
  }
}
/** x above 0, alpha · (eˣ − 1) below; alpha is 1 by default (PyTorch's `nn.ELU`). */
export class ELU extends Activation {
  constructor(readonly alpha = 1) {
    super();
    checkNumber('ELU', { alpha });
  }
  override extraRepr(): string {
    return showSettings([this.alpha]);
  }
  override forward(x: Tensor): Tensor {
    return core.elu(x, this.alpha);
  }
}
/** x above 0, negativeSlope · x below; the slope is 0.01 by default (PyTorch's `nn.LeakyReLU`). */
export class LeakyReLU extends Activation {
  constructor(readonly negativeSlope = 0.01) {
    super();
    checkNumber('LeakyReLU', { negativeSlope });
  }
  override extraRepr(): string {
    return showSettings([this.negativeSlope]);
  }
  override forward(x: Tensor): Tensor {
    return core.leakyRelu(x, this.negativeSlope);
  }
}
