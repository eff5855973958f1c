import { hyperNames, planTakenNumbers, type Rates, recentCount, recentNumbers, type TakenNumbersProblem } from '@initlab/kernels';
import { checkBody, checkObject } from '../../checks/check-arguments.js';
import { applyOne, defineOp } from '../../op/op.js';
import { rowMajor } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import { hostNumbers } from '../../tensor/host-numbers.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { OptimizerRule } from './optim-update.js';

const takenOp = defineOp<Omit<TakenNumbersProblem, 'scaled'>>()({
  name: 'takenNumbers',
  inputs: ['recent', 'skipped', 'lossScale?'],
  outputs: ['hyper'],
  mutates: ['skipped'],
  infer: (_, { count }) => ({ hyper: rowMajor([count]) }),
  plan: ({ inputs: { lossScale }, attrs, target }) => planTakenNumbers({ ...attrs, scaled: lossScale !== undefined }, target),
});

/**
 * What `optimizerUpdate` takes as `hyper`, by the updates that were made. `now` gives what the host knows of this one, counting those
 * that a loss scaler skipped; `skipped`, f32, how many these were for each parameter of the group. Of the parameters from `first` up to
 * `end`, which had the same updates. Where `lossScale` says that this one is skipped, too, it is counted.
 */
export function takenNumbers(
  rule: Pick<OptimizerRule, 'numbers'>,
  operands: { skipped: Tensor; lossScale?: Tensor | undefined; first: number; end: number },
  now: () => Rates & { readonly updates: number },
): Tensor {
  checkObject('takenNumbers', 'the rule of an optimiser', rule);
  checkObject('takenNumbers', 'its operands { skipped, lossScale, first, end }', operands);
  checkBody('takenNumbers', now);
  const { skipped, lossScale, first, end } = operands;
  checkTensor('takenNumbers', skipped, 'skipped');
  const recent = hostNumbers({ device: skipped.device, count: recentCount(rule), dtype: 'f32', label: 'optimiser numbers' }, () =>
    recentNumbers(rule, now()),
  );
  return applyOne(takenOp, { recent, skipped, lossScale }, { first, end, count: hyperNames(rule).length });
}
