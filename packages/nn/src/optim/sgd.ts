import { checkFlags, checkNumber, checkOptions, OpError } from '@initlab/core';
import { ascent } from './adam.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise } from './update-method.js';

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
  /** Go up the gradient: its other sign, before anything else. Default false. */
  readonly maximize?: boolean;
}

/** Stochastic gradient descent (PyTorch's `optim.SGD`): `new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })`. */
export class SGD extends Optimizer {
  constructor(params: OptimizerParams, options: SGDOptions) {
    checkOptions('SGD', options, ['lr', 'momentum', 'dampening', 'nesterov', 'weightDecay', 'maximize']);
    const { lr, momentum = 0, dampening = 0, nesterov = false, weightDecay = 0, maximize = false } = options;
    checkNumber('SGD', { lr, weightDecay, momentum }, { from: 0 });
    checkNumber('SGD', { dampening });
    checkFlags('SGD', { nesterov, maximize });
    if (nesterov && (momentum <= 0 || dampening !== 0)) throw new OpError('SGD', 'nesterov needs a momentum and no dampening');
    const [moves, dampens] = [momentum !== 0, dampening !== 0];
    super(
      params,
      elementwise({
        name: 'sgd',
        terms: { momentum: moves, nesterov, dampening: moves && dampens, maximize },
        moments: moves ? { b: 0 } : {},
        constants: { keep: momentum, dampening },
        ...(moves && dampens ? { numbers: (updates) => ({ first: updates === 1 ? 1 : 0 }) } : {}),
        formulas: `${ascent(maximize)}
  g = fma(w, vec4f(decay), g);
  ${moves ? move({ nesterov, dampens }) : ''}
  w = w - lr * g;`,
      }),
      { lr, weightDecay },
    );
  }
}

/** The first step's buffer is the gradient itself, whatever the dampening. */
const move = ({ nesterov, dampens }: { nesterov: boolean; dampens: boolean }): string => `
  b = ${dampens ? 'select(fma(b, vec4f(p.keep), g * (1.0 - p.dampening)), g, first == 1.0)' : 'fma(b, vec4f(p.keep), g)'};
  g = ${nesterov ? 'fma(b, vec4f(p.keep), g)' : 'b'};`;
