import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { ascent, decayed } from './adam.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type UpdateMethod } from './update-method.js';

/** Options of `Adagrad`; defaults are PyTorch's. */
export interface AdagradOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 0.01. */
  readonly lr?: number;
  /** The rate of a parameter's t-th update is lr / (1 + (t − 1) · lrDecay). Default 0. */
  readonly lrDecay?: number;
  /** L2 penalty added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** What the sums of squares begin with. Default 0. */
  readonly initialAccumulatorValue?: number;
  /** Added to the root of the sum. Default 1e-10. */
  readonly eps?: number;
  /** Go up the gradient: its other sign, before anything else. Default false. */
  readonly maximize?: boolean;
}

const optionNames = ['lr', 'lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps', 'maximize'] as const;

/** Adagrad (Duchi et al. 2011; PyTorch's `optim.Adagrad`): the gradient over the root of the sum of all squares so far. */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: OptimizerParams<AdagradOptions>, options: AdagradOptions = {}) {
    checkOptions('Adagrad', options, optionNames);
    super(params, options, { name: 'Adagrad', options: optionNames, lr: 0.01, method: adagrad });
  }
}

function adagrad(op: string, options: AdagradOptions): UpdateMethod {
  const { lrDecay = 0, initialAccumulatorValue = 0, eps = 1e-10, maximize = false } = options;
  checkNumber(op, { lrDecay, initialAccumulatorValue, eps }, { from: 0 });
  checkFlags(op, { maximize });
  return elementwise({
    name: 'adagrad',
    terms: { lrDecay: lrDecay !== 0, maximize },
    moments: { sum: initialAccumulatorValue },
    constants: { eps },
    ...(lrDecay === 0 ? {} : { numbers: (updates) => ({ slower: 1 / (1 + (updates - 1) * lrDecay) }) }),
    formulas: `${ascent(maximize)}
  ${decayed(false)}
  sum = fma(g, g, sum);
  w = w - ${lrDecay === 0 ? 'lr' : '(lr * slower)'} * g / (sqrt(sum) + p.eps);`,
  });
}
