import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { ascent, decayed, meansConstants, runningMeans } from './adam.js';
import { type Betas, checkBetas } from './check-betas.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type UpdateMethod } from './update-method.js';

/** Options of `NAdam`; defaults are PyTorch's. */
export interface NAdamOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 2e-3. */
  readonly lr?: number;
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: Betas;
  /** Added to the root of the squares' mean. Default 1e-8. */
  readonly eps?: number;
  /** L2 penalty added to the gradient, or with `decoupledWeightDecay` AdamW's decay. Default 0. */
  readonly weightDecay?: number;
  /** How fast the momentum rises from β₁ / 2 to β₁. Default 4e-3. */
  readonly momentumDecay?: number;
  /** Default false. */
  readonly decoupledWeightDecay?: boolean;
  /** Go up the gradient: its other sign, before anything else. Default false. */
  readonly maximize?: boolean;
}

const optionNames = ['lr', 'betas', 'eps', 'weightDecay', 'momentumDecay', 'decoupledWeightDecay', 'maximize'] as const;

/** Adam with Nesterov's momentum (Dozat 2016; PyTorch's `optim.NAdam`). */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(params: OptimizerParams<NAdamOptions>, options: NAdamOptions = {}) {
    checkOptions('NAdam', options, optionNames);
    super(params, options, { name: 'NAdam', options: optionNames, lr: 2e-3, method: nadam });
  }
}

function nadam(op: string, options: NAdamOptions): UpdateMethod {
  const { betas = [0.9, 0.999], eps = 1e-8, momentumDecay = 4e-3, decoupledWeightDecay = false, maximize = false } = options;
  checkNumber(op, { eps, momentumDecay }, { from: 0 });
  checkFlags(op, { decoupledWeightDecay, maximize });
  const [beta1, beta2] = checkBetas(op, betas);
  const momentumAt = (update: number): number => beta1 * (1 - 0.5 * 0.96 ** (update * momentumDecay));
  const product = productsOf(momentumAt);
  return elementwise({
    name: 'nadam',
    terms: { decoupled: decoupledWeightDecay, maximize },
    moments: { m: 0, v: 0 },
    constants: { ...meansConstants(betas), eps },
    numbers: (updates) => ({
      ofGradient: (1 - momentumAt(updates)) / (1 - product(updates)),
      ofMean: momentumAt(updates + 1) / (1 - product(updates) * momentumAt(updates + 1)),
      bias2Root: Math.sqrt(1 - beta2 ** updates),
    }),
    formulas: `${ascent(maximize)}${decayed(decoupledWeightDecay)} ${runningMeans}
  w = w - lr * (ofGradient * g + ofMean * m) / (sqrt(v) / bias2Root + p.eps);`,
  });
}

/** The product of the factors 1, 2, … n; multiplied in this order, so that a resumed run has the same bits. */
function productsOf(factor: (n: number) => number): (n: number) => number {
  const products = [1];
  return (n) => {
    for (let next = products.length; next <= n; next++) products.push((products[next - 1] as number) * factor(next));
    return products[n] as number;
  };
}
