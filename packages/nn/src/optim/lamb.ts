import { checkFlags, checkNumber, checkOptions } from '@initlab/core/internal';
import { meansConstants, runningMeans } from './adam.js';
import { type Betas, checkBetas } from './check-betas.js';
import { layerwise } from './layerwise.js';
import { Optimizer } from './optimizer.js';
import type { OptimizerParams } from './parameter-groups.js';
import type { UpdateMethod } from './update-method.js';

/** Options of `LAMB`; defaults are the paper's. */
export interface LAMBOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 1e-3. */
  readonly lr?: number;
  /** Decay of the running means of the gradient and of its square. Default [0.9, 0.999]. */
  readonly betas?: Betas;
  /** Added to the root of the squares' mean; above 0. Default 1e-6. */
  readonly eps?: number;
  /** Share λ of the parameter that is added to the direction. Default 0. */
  readonly weightDecay?: number;
  /** Leave parameters of one dimension (biases, norms' scales) a ratio of 1, as most trainings do. Default false, as in the paper. */
  readonly excludeVectors?: boolean;
}

const optionNames = ['lr', 'betas', 'eps', 'weightDecay', 'excludeVectors'] as const;

/** Adam whose step in each layer is as long as the layer's parameters (You et al. 2020, arXiv:1904.00962; φ is the identity). */
export class LAMB extends Optimizer<LAMBOptions> {
  constructor(params: OptimizerParams<LAMBOptions>, options: LAMBOptions = {}) {
    checkOptions('LAMB', options, optionNames);
    super(params, options, { name: 'LAMB', options: optionNames, lr: 1e-3, method: lamb });
  }
}

function lamb(op: string, options: LAMBOptions): UpdateMethod {
  const { betas = [0.9, 0.999], eps = 1e-6, excludeVectors = false } = options;
  // The gaps between parameters are to stay 0, which 0 / 0 is not.
  checkNumber(op, { eps }, { above: 0 });
  checkFlags(op, { excludeVectors });
  const [beta1, beta2] = checkBetas(op, betas);
  const direction = 'fma(w, vec4f(decay), (m / bias1) / (sqrt(v) / bias2Root + p.eps))';
  return layerwise(
    {
      name: 'lamb',
      moments: { m: 0, v: 0 },
      constants: { ...meansConstants(betas), eps },
      numbers: (updates) => ({ bias1: 1 - beta1 ** updates, bias2Root: Math.sqrt(1 - beta2 ** updates) }),
      direction: `${runningMeans}
  u = ${direction};`,
      directionMoves: true,
      trust: 'parameterLength / directionLength',
      formulas: `w = w - (lr * trust) * ${direction};`,
    },
    { excludeVectors },
  );
}
