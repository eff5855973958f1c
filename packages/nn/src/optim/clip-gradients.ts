import { checkNumber, checkOptions, clamp, clipNorm, copyInto, mul, noGrad, scope, type Tensor } from '@initlab/core';
import { checkOptimizer } from './check-optimizer.js';
import { type LossScaleOptions, Optimizer } from './optimizer.js';

/**
 * Scale all gradients of an optimiser's parameters so that their norm together is at most `maxNorm`, and return the norm [1] they
 * had (PyTorch's `clip_grad_norm_`). Call between backward and `step`; both norms are those of the gradients times `gradScale`, so
 * accumulated mini-batches are clipped as their mean. `maxNorm` Infinity measures only: the gradients stay as they are. `lossScale`
 * is a scaler's business: see `LossScaler.step`.
 */
export function clipGradNorm(optimizer: Optimizer, maxNorm: number, options: LossScaleOptions = {}): Tensor {
  checkOptimizer('clipGradNorm', optimizer);
  checkOptions('clipGradNorm', options, ['lossScale']);
  checkNumber('clipGradNorm', { maxNorm }, { above: 0, to: Number.POSITIVE_INFINITY });
  const { gradScale } = optimizer;
  const norm = clipNorm(optimizer.flatGradients(), { maxNorm: maxNorm / gradScale, lossScale: options.lossScale });
  return gradScale === 1 ? norm : mul(norm, gradScale);
}

/**
 * Keep every element of the gradients of an optimiser's parameters within ±`clipValue`, counted after `gradScale` (PyTorch's
 * `clip_grad_value_`). Call between backward and `step`.
 */
export function clipGradValue(optimizer: Optimizer, clipValue: number): void {
  checkOptimizer('clipGradValue', optimizer);
  checkNumber('clipGradValue', { clipValue }, { above: 0 });
  const max = clipValue / optimizer.gradScale;
  noGrad(() => {
    for (const flat of optimizer.flatGradients()) scope(() => copyInto(flat, clamp(flat, { min: -max, max })));
  });
}

function addMethods(): readonly string[] {
  Object.assign(Optimizer.prototype, {
    clipGradNorm(this: Optimizer, maxNorm: number, options?: LossScaleOptions): Tensor {
      return clipGradNorm(this, maxNorm, options);
    },
    clipGradValue(this: Optimizer, clipValue: number): void {
      clipGradValue(this, clipValue);
    },
  });
  return ['clipGradNorm', 'clipGradValue'];
}

/** Their names as methods of optimisers. To load this file is to add them, in Node; a bundler leaves them out, as it does `tensorMethods`. */
export const optimizerMethods: readonly string[] = addMethods();
