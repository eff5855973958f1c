import {
  AllOrNothing,
  type Device,
  elu,
  gelu,
  glu,
  hardsigmoid,
  hardswish,
  leakyRelu,
  mish,
  prelu,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  type Tensor,
  tanh,
} from '@initlab/core';
import { checkNumber, checkOptions } from '@initlab/core/internal';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';

/** max(x, 0) (PyTorch's `nn.ReLU`). */
export class ReLU extends Module {
  override forward(x: Tensor): Tensor {
    return relu(x);
  }
}
/** x kept within 0 and 6 (PyTorch's `nn.ReLU6`). */
export class ReLU6 extends Module {
  override forward(x: Tensor): Tensor {
    return relu6(x);
  }
}
/** 1 / (1 + e⁻ˣ) (PyTorch's `nn.Sigmoid`). */
export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}
/** Hyperbolic tangent (PyTorch's `nn.Tanh`). */
export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return tanh(x);
  }
}
/** x · sigmoid(x) (PyTorch's `nn.SiLU`). */
export class SiLU extends Module {
  override forward(x: Tensor): Tensor {
    return silu(x);
  }
}
/** x · Φ(x) by the error function (PyTorch's `nn.GELU`; arXiv:1606.08415). */
export class GELU extends Module {
  override forward(x: Tensor): Tensor {
    return gelu(x);
  }
}
/** x · relu6(x + 3) / 6 (PyTorch's `nn.Hardswish`). */
export class Hardswish extends Module {
  override forward(x: Tensor): Tensor {
    return hardswish(x);
  }
}
/** log(1 + eˣ) (PyTorch's `nn.Softplus`). */
export class Softplus extends Module {
  override forward(x: Tensor): Tensor {
    return softplus(x);
  }
}
/** x above 0, alpha · (eˣ − 1) below; alpha is 1 by default (PyTorch's `nn.ELU`). */
export class ELU extends Module {
  constructor(readonly alpha = 1) {
    super();
    checkNumber('ELU', { alpha });
  }
  override extraRepr(): string {
    return showSettings([this.alpha]);
  }
  override forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }
}
/** x above 0, negativeSlope · x below; the slope is 0.01 by default (PyTorch's `nn.LeakyReLU`). */
export class LeakyReLU extends Module {
  constructor(readonly negativeSlope = 0.01) {
    super();
    checkNumber('LeakyReLU', { negativeSlope });
  }
  override extraRepr(): string {
    return showSettings([this.negativeSlope]);
  }
  override forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }
}
/** x · tanh(softplus(x)) (PyTorch's `nn.Mish`). */
export class Mish extends Module {
  override forward(x: Tensor): Tensor {
    return mish(x);
  }
}
/** relu6(x + 3) / 6 (PyTorch's `nn.Hardsigmoid`). */
export class Hardsigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}
/** Self-normalising exponential (PyTorch's `nn.SELU`). */
export class SELU extends Module {
  override forward(x: Tensor): Tensor {
    return selu(x);
  }
}
/** First half of a dimension, default the last, times the sigmoid of the second (PyTorch's `nn.GLU`). */
export class GLU extends Module {
  constructor(readonly dim = -1) {
    super();
    checkNumber('GLU', { dim }, { from: -8, whole: true });
  }
  override extraRepr(): string {
    return showSettings([], { dim: this.dim });
  }
  override forward(x: Tensor): Tensor {
    return glu(x, { dim: this.dim });
  }
}
/** Exponentials over their sum along `dim` (PyTorch's `nn.Softmax`). */
export class Softmax extends Module {
  constructor(readonly dim: number) {
    super();
    checkNumber('Softmax', { dim }, { from: -8, whole: true });
  }
  override extraRepr(): string {
    return showSettings([], { dim: this.dim });
  }
  override forward(x: Tensor): Tensor {
    return softmax(x, { dim: this.dim });
  }
}

/** Options of `PReLU`. */
export interface PReLUOptions {
  /** One slope, or one for each channel. Default 1. */
  readonly numParameters?: number | undefined;
  /** Slope at first. Default 0.25. */
  readonly init?: number | undefined;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
}

/** x above 0, a learned slope times x below (PyTorch's `nn.PReLU`). */
export class PReLU extends Module {
  readonly numParameters: number;
  weight: Parameter;
  constructor(options: PReLUOptions = {}) {
    super();
    using whole = new AllOrNothing([this]);
    checkOptions('PReLU', options, ['numParameters', 'init', 'device']);
    const { numParameters = 1, init = 0.25, device } = options;
    checkNumber('PReLU', { numParameters }, { from: 1, whole: true });
    checkNumber('PReLU', { init });
    this.numParameters = numParameters;
    this.weight = new Parameter([numParameters], { device, value: init });
    whole.done();
  }
  override extraRepr(): string {
    return showSettings([], { numParameters: this.numParameters });
  }
  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }
}
