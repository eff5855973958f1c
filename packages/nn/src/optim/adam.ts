import { checkFlags, checkNumber, checkOptions, type OptimizerRule } from '@initlab/core/internal';
import { type Betas, checkBetas } from './check-betas.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type OptimizerKind } from './update-method.js';

/** Options of `Adam` and `AdamW`; defaults are PyTorch's. */
export interface AdamOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 1e-3. */
  readonly lr?: number;
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: Betas;
  /** Added to the root of the squares' mean. Default 1e-8. */
  readonly eps?: number;
  /** Default 0; 0.01 for AdamW. */
  readonly weightDecay?: number;
  /** Divide by the root of the largest mean of squares so far (arXiv:1904.09237). Default false. */
  readonly amsgrad?: boolean;
  /** Go up the gradient: its other sign, before anything else. Default false. */
  readonly maximize?: boolean;
}

/** The running means `m` of the gradient and `v` of its square, as formulas and constants. */
export const runningMeans = `
  m = fma(m, vec4f(p.beta1), g * p.rest1);
  v = fma(v, vec4f(p.beta2), g * g * p.rest2);`;
export const meansConstants = ([beta1, beta2]: Betas): Readonly<Record<'beta1' | 'beta2' | 'rest1' | 'rest2', number>> => ({
  beta1,
  beta2,
  rest1: 1 - beta1,
  rest2: 1 - beta2,
});
/** Where a rule goes up the gradient. */
export const ascent = (maximize: boolean): string => (maximize ? 'g = -g;' : '');
/** Weight decay: a share of the parameter itself (arXiv:1711.05101), or an L2 penalty in the gradient. */
export const decayed = (decoupled: boolean): string => (decoupled ? 'w = w * (1.0 - lr * decay);' : 'g = fma(w, vec4f(decay), g);');

/** Adam's rule, or AdamW's. */
export function adamRule(
  kind: 'adam' | 'adamw',
  { betas, eps, amsgrad = false, maximize = false }: { betas: Betas; eps: number; amsgrad?: boolean; maximize?: boolean },
): OptimizerRule {
  const [beta1, beta2] = betas;
  return {
    name: kind,
    terms: { amsgrad, maximize },
    moments: { m: 0, v: 0, ...(amsgrad ? { largest: 0 } : {}) },
    constants: { ...meansConstants(betas), eps },
    numbers: (updates) => ({ bias1: 1 - beta1 ** updates, bias2Root: Math.sqrt(1 - beta2 ** updates) }),
    formulas: `${ascent(maximize)}${decayed(kind === 'adamw')} ${runningMeans}${amsgrad ? '\n  largest = max(largest, v);' : ''}
  w = w - (lr / bias1) * m / (sqrt(${amsgrad ? 'largest' : 'v'}) / bias2Root + p.eps);`,
  };
}

const optionNames = ['lr', 'betas', 'eps', 'weightDecay', 'amsgrad', 'maximize'] as const;
const kindOf = (kind: 'adam' | 'adamw', weightDecay: number): OptimizerKind<AdamOptions> => ({
  name: kind === 'adam' ? 'Adam' : 'AdamW',
  options: optionNames,
  lr: 1e-3,
  weightDecay,
  method: (op, { betas = [0.9, 0.999], eps = 1e-8, amsgrad, maximize }) => {
    checkNumber(op, { eps }, { from: 0 });
    checkFlags(op, { amsgrad, maximize });
    return elementwise(adamRule(kind, { betas: checkBetas(op, betas), eps, amsgrad, maximize }));
  },
});

/** Adam (arXiv:1412.6980; PyTorch's `optim.Adam`): weight decay is an L2 penalty. */
export class Adam extends Optimizer<AdamOptions> {
  constructor(params: OptimizerParams<AdamOptions>, options: AdamOptions = {}) {
    checkOptions('Adam', options, optionNames);
    super(params, options, kindOf('adam', 0));
  }
}

/** Adam with decoupled weight decay (arXiv:1711.05101; PyTorch's `optim.AdamW`, default decay 0.01). */
export class AdamW extends Optimizer<AdamOptions> {
  constructor(params: OptimizerParams<AdamOptions>, options: AdamOptions = {}) {
    checkOptions('AdamW', options, optionNames);
    super(params, options, kindOf('adamw', 0.01));
  }
}
