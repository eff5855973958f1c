import { checkNumber, checkOptions, OpError, type OptimizerRule, showValue, type Tensor } from '@initlab/core';
import { Optimizer } from './optimizer.js';
import type { ParameterGroup } from './parameter-groups.js';

type Params = readonly Tensor[] | readonly ParameterGroup[];

/** Options of `SGD`; defaults are PyTorch's. */
export interface SGDOptions {
  /** Learning rate; `optimizer.lr` may be set later. */
  readonly lr: number;
  /** Share of the former update that is kept. Default 0. */
  readonly momentum?: number;
  /** Share of the gradient that the momentum leaves out, but for the first. Default 0. */
  readonly dampening?: number;
  /** Look ahead along the momentum; needs one, and no dampening. Default false. */
  readonly nesterov?: boolean;
  /** L2 penalty added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/** Stochastic gradient descent (PyTorch's `optim.SGD`): `new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })`. */
export class SGD extends Optimizer {
  constructor(params: Params, options: SGDOptions) {
    checkOptions('SGD', options, ['lr', 'momentum', 'dampening', 'nesterov', 'weightDecay']);
    const { lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options;
    checkNumber('SGD', { lr, weightDecay, momentum }, { from: 0 });
    checkNumber('SGD', { dampening });
    if (nesterov && (momentum <= 0 || dampening !== 0)) throw new OpError('SGD', 'nesterov needs a momentum and no dampening');
    super(params, { kind: 'sgd', momentum, dampening, nesterov }, { lr, weightDecay, moments: momentum !== 0 ? ['momentum'] : [] });
  }
}

/** Options of `Adam` and `AdamW`; defaults are PyTorch's. */
export interface AdamOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 1e-3. */
  readonly lr?: number;
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the squares' mean. Default 1e-8. */
  readonly eps?: number;
  /** Default 0; 0.01 for AdamW. */
  readonly weightDecay?: number;
}

function adamRule(kind: 'adam' | 'adamw', options: AdamOptions): OptimizerRule {
  const name = kind === 'adam' ? 'Adam' : 'AdamW';
  checkOptions(name, options, ['lr', 'betas', 'eps', 'weightDecay']);
  const { betas = [0.9, 0.999], eps = 1e-8, lr = 1e-3, weightDecay = 0 } = options;
  if (!Array.isArray(betas) || betas.length !== 2) throw new OpError(name, `betas are two numbers, [0.9, 0.999], got ${showValue(betas)}`);
  const [beta1, beta2] = betas;
  checkNumber(name, { beta1, beta2 }, { from: 0, below: 1 });
  checkNumber(name, { eps, lr, weightDecay }, { from: 0 });
  return { kind, beta1, beta2, eps };
}

/** Adam (arXiv:1412.6980; PyTorch's `optim.Adam`): weight decay is an L2 penalty. */
export class Adam extends Optimizer {
  constructor(params: Params, options: AdamOptions = {}) {
    const rule = adamRule('adam', options);
    super(params, rule, { lr: options.lr ?? 1e-3, weightDecay: options.weightDecay ?? 0, moments: ['m', 'v'] });
  }
}

/** Adam with decoupled weight decay (arXiv:1711.05101; PyTorch's `optim.AdamW`, default decay 0.01). */
export class AdamW extends Optimizer {
  constructor(params: Params, options: AdamOptions = {}) {
    const rule = adamRule('adamw', options);
    super(params, rule, { lr: options.lr ?? 1e-3, weightDecay: options.weightDecay ?? 0.01, moments: ['m', 'v'] });
  }
}
