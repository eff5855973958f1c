import { flatten, type Tensor } from '@initlab/core';
import { Module } from '../module.js';

/** Modules one after the other; children are named 0, 1, … as in PyTorch. */
export class Sequential extends Module {
  readonly layers: readonly Module[];
  constructor(...layers: readonly Module[]) {
    super();
    this.layers = layers;
  }
  override *namedChildren(): Generator<[string, Module]> {
    for (const [i, layer] of this.layers.entries()) yield [String(i), layer];
  }
  override forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }
}

/** Returns its input. */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** [N, …] → [N, everything else], in PyTorch's element order. */
export class Flatten extends Module {
  override forward(x: Tensor): Tensor {
    return flatten(x);
  }
}
