import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { layerwise } from './layerwise.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import type { UpdateMethod } from './update-method.js';

/** Options of `LARS`. */
export interface LARSOptions {
  /** Learning rate; `optimizer.lr` may be set later. */
  readonly lr: number;
  /** Share of the former update that is kept. Default 0.9. */
  readonly momentum?: number;
  /** Share β of the parameter that is added to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** The paper's η: how far a layer is trusted to change in a step. Default 1e-3. */
  readonly trustCoefficient?: number;
  /** Added to the divisor. Default 1e-8. */
  readonly eps?: number;
  /** Leave parameters of one dimension (biases, norms' scales) a ratio of 1, as most trainings do. Default false, as in the paper. */
  readonly excludeVectors?: boolean;
}

const optionNames = ['lr', 'momentum', 'weightDecay', 'trustCoefficient', 'eps', 'excludeVectors'] as const;

/**
 * SGD with momentum and a rate for each layer (You et al. 2017, arXiv:1708.03888): η ‖w‖ / (‖g‖ + β ‖w‖) times the rate, and the rate
 * itself where w or g is 0.
 */
export class LARS extends Optimizer<LARSOptions> {
  constructor(params: OptimizerParams<LARSOptions>, options: LARSOptions) {
    checkOptions('LARS', options, optionNames);
    super(params, options, { name: 'LARS', options: optionNames, method: lars });
  }
}

function lars(op: string, options: LARSOptions): UpdateMethod {
  const { momentum = 0.9, trustCoefficient = 1e-3, eps = 1e-8, excludeVectors = false } = options;
  checkNumber(op, { momentum, eps }, { from: 0 });
  checkNumber(op, { trustCoefficient }, { above: 0 });
  checkFlags(op, { excludeVectors });
  return layerwise(
    {
      name: 'lars',
      moments: { velocity: 0 },
      constants: { keep: momentum, trustCoefficient, eps },
      direction: 'u = g;',
      directionMoves: false,
      trust: 'p.trustCoefficient * parameterLength / (directionLength + decay * parameterLength + p.eps)',
      formulas: `
  velocity = fma(velocity, vec4f(p.keep), (lr * trust) * fma(w, vec4f(decay), g));
  w = w - velocity;`,
    },
    { excludeVectors },
  );
}
