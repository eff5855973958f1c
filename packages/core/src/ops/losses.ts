import { lifted } from '../op/autocast.js';
import { checkOptions } from '../checks/check-options.js';
import { checkTensors } from '../checks/check-tensor.js';
import { OpError, showShape } from '../checks/errors.js';
import { AllOrNothing } from '../tensor/scope.js';
import { sameShape } from '../tensor/spec.js';
import type { Tensor } from '../tensor/tensor.js';
import { sub } from './binary.js';
import { cast } from './cast.js';
import { checkFloat } from './check-float.js';
import { promoted } from './promote.js';
import { checkReduction, type Reduction } from './reduction.js';
import { mean, sum } from './sum.js';
import { square } from './unary.js';

/** Squared error of equal shapes, by default its mean (PyTorch's `F.mse_loss`). */
export function mseLoss(x: Tensor, target: Tensor, options: { reduction?: Reduction } = {}): Tensor {
  checkOptions('mseLoss', options, ['reduction']);
  const { reduction = 'mean' } = options;
  checkTensors('mseLoss', { x, target });
  checkFloat('mseLoss', x);
  checkReduction('mseLoss', reduction);
  if (!sameShape(x.shape, target.shape)) throw new OpError('mseLoss', `shapes ${showShape(x.shape)} and ${showShape(target.shape)} differ`);
  // The squares of halves are summed in f32.
  using whole = new AllOrNothing();
  const dtype = promoted('mseLoss', [lifted(x), lifted(target)]);
  const losses = square(sub(cast(x, 'f32'), cast(target, 'f32')));
  return whole.done(cast(reduction === 'mean' ? mean(losses) : reduction === 'sum' ? sum(losses) : losses, dtype));
}
