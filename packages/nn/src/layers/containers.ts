import { flatten, OpError, type Tensor } from '@initlab/core';
import { distinct, Module, type WalkOptions } from '../module/module.js';

/** Modules one after the other; children are named 0, 1, … as in PyTorch's `nn.Sequential`. */
export class Sequential extends Module {
  readonly layers: readonly Module[];
  constructor(...layers: readonly Module[]) {
    super();
    for (const [i, layer] of layers.entries()) if (!(layer instanceof Module)) throw new OpError('Sequential', notModule(layer, i));
    this.layers = layers;
  }
  override namedChildren(options: WalkOptions = {}): Generator<[string, Module]> {
    return distinct(
      this.layers.map((layer, i): [string, Module] => [String(i), layer]),
      options,
    );
  }
  override forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.forward(value), x);
  }
}

function notModule(layer: unknown, i: number): string {
  if (Array.isArray(layer)) return 'takes its modules one by one: new Sequential(...layers)';
  if (typeof layer !== 'function') return `layer ${i} is no Module but ${String(layer)}`;
  return `layer ${i} is the function ${layer.name || '(…) => …'}; give a Module such as new ReLU(), or call it in the forward of one`;
}

/** Returns its input (PyTorch's `nn.Identity`). */
export class Identity extends Module {
  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** [N, …] → [N, everything else], in PyTorch's element order (PyTorch's `nn.Flatten`). */
export class Flatten extends Module {
  override forward(x: Tensor): Tensor {
    return flatten(x);
  }
}
