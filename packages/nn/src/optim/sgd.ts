import { OpError } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { ascent } from './adam.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type UpdateMethod } from './update-method.js';

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

const optionNames = ['lr', 'momentum', 'dampening', 'nesterov', 'weightDecay', 'maximize'] as const;

/** Stochastic gradient descent (PyTorch's `optim.SGD`): `new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })`. */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: OptimizerParams<SGDOptions>, options: SGDOptions) {
    checkOptions('SGD', options, optionNames);
    const { momentum = 0, dampening = 0, nesterov = false } = options;
    // Of a group whose momentum is 0, the optimiser's nesterov means nothing, as in PyTorch.
    if (nesterov === true && (momentum <= 0 || dampening !== 0)) throw new OpError('SGD', 'nesterov needs a momentum and no dampening');
    super(params, options, { name: 'SGD', options: optionNames, method: sgd });
  }
}

function sgd(op: string, { momentum = 0, dampening = 0, nesterov = false, maximize = false }: SGDOptions): UpdateMethod {
  checkNumber(op, { momentum }, { from: 0 });
  checkNumber(op, { dampening });
  checkFlags(op, { nesterov, maximize });
  const moves = momentum !== 0;
  const [looks, dampens] = [moves && nesterov, moves && dampening !== 0];
  return elementwise({
    name: 'sgd',
    terms: { momentum: moves, nesterov: looks, dampening: dampens, maximize },
    moments: moves ? { b: 0 } : {},
    constants: { keep: momentum, dampening },
    ...(dampens ? { numbers: (updates) => ({ first: updates === 1 ? 1 : 0 }) } : {}),
    formulas: `${ascent(maximize)}
  g = fma(w, vec4f(decay), g);
  ${moves ? move({ nesterov: looks, dampens }) : ''}
  w = w - lr * g;`,
  });
}

/** The first step's buffer is the gradient itself, whatever the dampening. */
const move = ({ nesterov, dampens }: { nesterov: boolean; dampens: boolean }): string => `
  b = ${dampens ? 'select(fma(b, vec4f(p.keep), g * (1.0 - p.dampening)), g, first == 1.0)' : 'fma(b, vec4f(p.keep), g)'};
  g = ${nesterov ? 'fma(b, vec4f(p.keep), g)' : 'b'};`;
