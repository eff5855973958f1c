import type { Tensor } from '@initlab/core';
import { Optimizer, type ParameterGroup } from './optimizer.js';

type Params = readonly Tensor[] | readonly ParameterGroup[];

export interface SGDOptions {
  readonly lr: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  /** L2 penalty added to the gradient. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent (PyTorch's `optim.SGD`). */
export class SGD extends Optimizer {
  constructor(params: Params, { lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 }: SGDOptions) {
    if (!(momentum >= 0)) throw new RangeError(`SGD: momentum ${momentum} is not a number from 0`);
    if (nesterov && (momentum <= 0 || dampening !== 0)) throw new RangeError('SGD: nesterov needs a momentum and no dampening');
    super(params, { kind: 'sgd', momentum, dampening, nesterov }, { lr, weightDecay, moments: momentum !== 0 ? ['momentum'] : [] });
  }
}

export interface AdamOptions {
  /** Default 1e-3. */
  readonly lr?: number;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly weightDecay?: number;
}

function checkAdam(name: string, { betas, eps }: { betas: readonly [number, number]; eps: number }): void {
  for (const beta of betas) if (!(beta >= 0 && beta < 1)) throw new RangeError(`${name}: beta ${beta} is not from 0 up to 1`);
  if (!(eps >= 0)) throw new RangeError(`${name}: eps ${eps} is not a number from 0`);
}

/** Adam (arXiv:1412.6980; PyTorch's `optim.Adam`): weight decay is an L2 penalty. */
export class Adam extends Optimizer {
  constructor(params: Params, { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamOptions = {}) {
    checkAdam('Adam', { betas, eps });
    super(params, { kind: 'adam', beta1: betas[0], beta2: betas[1], eps }, { lr, weightDecay, moments: ['m', 'v'] });
  }
}

/** Adam with decoupled weight decay (arXiv:1711.05101; PyTorch's `optim.AdamW`, default decay 0.01). */
export class AdamW extends Optimizer {
  constructor(params: Params, { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 }: AdamOptions = {}) {
    checkAdam('AdamW', { betas, eps });
    super(params, { kind: 'adamw', beta1: betas[0], beta2: betas[1], eps }, { lr, weightDecay, moments: ['m', 'v'] });
  }
}
