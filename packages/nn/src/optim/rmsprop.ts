import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { ascent, decayed } from './adam.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import { elementwise, type UpdateMethod } from './update-method.js';

/** Options of `RMSprop`; defaults are PyTorch's. */
export interface RMSpropOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 0.01. */
  readonly lr?: number;
  /** Decay of the running mean of the squared gradient. Default 0.99. */
  readonly alpha?: number;
  /** Added to the root of that mean. Default 1e-8. */
  readonly eps?: number;
  /** L2 penalty added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** Share of the former update that is kept. Default 0. */
  readonly momentum?: number;
  /** Divide by the gradient's standard deviation: the mean's square is taken off the squares' mean. Default false. */
  readonly centered?: boolean;
  /** Go up the gradient: its other sign, before anything else. Default false. */
  readonly maximize?: boolean;
}

const optionNames = ['lr', 'alpha', 'eps', 'weightDecay', 'momentum', 'centered', 'maximize'] as const;

/** RMSprop (Tieleman and Hinton 2012; centred: Graves, arXiv:1308.0850; PyTorch's `optim.RMSprop`). */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: OptimizerParams<RMSpropOptions>, options: RMSpropOptions = {}) {
    checkOptions('RMSprop', options, optionNames);
    super(params, options, { name: 'RMSprop', options: optionNames, lr: 0.01, method: rmsprop });
  }
}

function rmsprop(op: string, options: RMSpropOptions): UpdateMethod {
  const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, maximize = false } = options;
  checkNumber(op, { eps, momentum }, { from: 0 });
  checkNumber(op, { alpha }, { from: 0, to: 1 });
  checkFlags(op, { centered, maximize });
  const moves = momentum > 0;
  return elementwise({
    name: 'rmsprop',
    terms: { centered, momentum: moves, maximize },
    moments: { squares: 0, ...(centered ? { mean: 0 } : {}), ...(moves ? { b: 0 } : {}) },
    constants: { alpha, rest: 1 - alpha, eps, keep: momentum },
    formulas: `${ascent(maximize)}
  ${decayed(false)}
  squares = fma(squares, vec4f(p.alpha), g * g * p.rest);
  var spread = squares;
  ${centered ? centre : ''}
  g = g / (sqrt(spread) + p.eps);
  ${moves ? 'b = fma(b, vec4f(p.keep), g);' : ''}
  w = w - lr * ${moves ? 'b' : 'g'};`,
  });
}

/**
 * A variance that rounding makes less than 0 is 0. Where the squares are beyond f32 it is infinite, whatever the mean's square is, and
 * the parameter stays, as without centring.
 */
const centre = `mean = fma(mean, vec4f(p.alpha), g * p.rest);
  spread = spread - mean * mean;
  spread = select(spread, vec4f(), spread < vec4f());
  spread = select(spread, squares, bitcast<vec4u>(squares) == vec4u(0x7f800000u));`;
