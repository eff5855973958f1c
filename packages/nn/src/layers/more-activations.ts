import {
  AllOrNothing,
  checkNumber,
  checkOptions,
  type Device,
  glu,
  hardsigmoid,
  mish,
  prelu,
  selu,
  softmax,
  type Tensor,
} from '@initlab/core';
import { Module } from '../module/module.js';
import { Parameter } from '../module/parameter.js';
import { showSettings } from '../module/show-settings.js';

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
