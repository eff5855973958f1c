import * as core from '@initlab/core';
import { Module } from '../module.js';

type Tensor = core.Tensor;

/** A module without parameters made from a function of tensors. */
abstract class Activation extends Module {}

export class ReLU extends Activation {
  override forward(x: Tensor): Tensor {
    return core.relu(x);
  }
}
export class ReLU6 extends Activation {
  override forward(x: Tensor): Tensor {
    return core.relu6(x);
  }
}
export class Sigmoid extends Activation {
  override forward(x: Tensor): Tensor {
    return core.sigmoid(x);
  }
}
export class Tanh extends Activation {
  override forward(x: Tensor): Tensor {
    return core.tanh(x);
  }
}
export class SiLU extends Activation {
  override forward(x: Tensor): Tensor {
    return core.silu(x);
  }
}
export class GELU extends Activation {
  override forward(x: Tensor): Tensor {
    return core.gelu(x);
  }
}
export class Hardswish extends Activation {
  override forward(x: Tensor): Tensor {
    return core.hardswish(x);
  }
}
export class Softplus extends Activation {
  override forward(x: Tensor): Tensor {
    return core.softplus(x);
  }
}
export class ELU extends Activation {
  constructor(readonly alpha = 1) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return core.elu(x, this.alpha);
  }
}
export class LeakyReLU extends Activation {
  constructor(readonly negativeSlope = 0.01) {
    super();
  }
  override forward(x: Tensor): Tensor {
    return core.leakyRelu(x, this.negativeSlope);
  }
}
