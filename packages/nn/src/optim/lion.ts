import { checkOptions } from '@initlab/core/internal';
import { decayed } from './adam.js';
import { type Betas, checkBetas } from './check-betas.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type UpdateMethod } from './update-method.js';

/** Options of `Lion`; defaults are the paper's. */
export interface LionOptions {
  /** Learning rate; `optimizer.lr` may be set later. A third to a tenth of AdamW's. Default 1e-4. */
  readonly lr?: number;
  /** How much of the momentum the step has, and how much of it is kept. Default [0.9, 0.99]. */
  readonly betas?: Betas;
  /** Decoupled, as AdamW's; three to ten times as much as there. Default 0. */
  readonly weightDecay?: number;
}

const optionNames = ['lr', 'betas', 'weightDecay'] as const;

/** Lion (Chen et al. 2023, arXiv:2302.06675): every element moves by the rate, to the side that momentum and gradient say. */
export class Lion extends Optimizer<LionOptions> {
  constructor(params: OptimizerParams<LionOptions>, options: LionOptions = {}) {
    checkOptions('Lion', options, optionNames);
    super(params, options, { name: 'Lion', options: optionNames, lr: 1e-4, method: lion });
  }
}

function lion(op: string, { betas = [0.9, 0.99] }: LionOptions): UpdateMethod {
  const [beta1, beta2] = checkBetas(op, betas);
  return elementwise({
    name: 'lion',
    moments: { m: 0 },
    constants: { beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2 },
    formulas: `
  ${decayed(true)}
  w = w - lr * sign(fma(m, vec4f(p.beta1), g * p.rest1));
  m = fma(m, vec4f(p.beta2), g * p.rest2);`,
  });
}
