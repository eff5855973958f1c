import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { ascent, decayed, meansConstants, runningMeans } from './adam.js';
import { type Betas, checkBetas } from './check-betas.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type UpdateMethod } from './update-method.js';

/** Options of `RAdam`; defaults are PyTorch's. */
export interface RAdamOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 1e-3. */
  readonly lr?: number;
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: Betas;
  /** Added to the root of the squares' mean. Default 1e-8. */
  readonly eps?: number;
  /** L2 penalty added to the gradient, or with `decoupledWeightDecay` AdamW's decay. Default 0. */
  readonly weightDecay?: number;
  /** Default false. */
  readonly decoupledWeightDecay?: boolean;
  /** Go up the gradient: its other sign, before anything else. Default false. */
  readonly maximize?: boolean;
}

const optionNames = ['lr', 'betas', 'eps', 'weightDecay', 'decoupledWeightDecay', 'maximize'] as const;

/**
 * Rectified Adam (arXiv:1908.03265; PyTorch's `optim.RAdam`): as long as too few squares were seen to know their mean, the step is
 * that of the gradient's mean alone.
 */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: OptimizerParams<RAdamOptions>, options: RAdamOptions = {}) {
    checkOptions('RAdam', options, optionNames);
    super(params, options, { name: 'RAdam', options: optionNames, lr: 1e-3, method: radam });
  }
}

function radam(op: string, options: RAdamOptions): UpdateMethod {
  const { betas = [0.9, 0.999], eps = 1e-8, decoupledWeightDecay = false, maximize = false } = options;
  checkNumber(op, { eps }, { from: 0 });
  checkFlags(op, { decoupledWeightDecay, maximize });
  const [beta1, beta2] = checkBetas(op, betas);
  return elementwise({
    name: 'radam',
    terms: { decoupled: decoupledWeightDecay, maximize },
    moments: { m: 0, v: 0 },
    constants: { ...meansConstants(betas), eps },
    numbers: (updates) => ({ bias1: 1 - beta1 ** updates, rectified: rectified(beta2, updates) }),
    formulas: `${ascent(maximize)}${decayed(decoupledWeightDecay)} ${runningMeans}
  w = w - (lr / bias1) * m * select(vec4f(1.0), rectified / (sqrt(v) + p.eps), rectified > 0.0);`,
  });
}

/** The rectification times the root of the squares' bias correction; 0 where their mean is not to be used yet. */
function rectified(beta2: number, updates: number): number {
  const longest = 2 / (1 - beta2) - 1;
  const correction = 1 - beta2 ** updates;
  const length = longest - (2 * updates * beta2 ** updates) / correction;
  if (length <= 5) return 0;
  return Math.sqrt((correction * (length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length));
}
