import { type OptimizerRule, planOptimizer } from '@initlab/kernels';
import { apply, defineOp, type OpDef } from '../op.js';
import { sizeOf } from '../spec.js';
import type { Tensor } from '../tensor.js';

export type { OptimizerRule };

const update = (state: readonly string[]): OpDef<OptimizerRule> =>
  defineOp<OptimizerRule>({
    name: 'optimizerStep',
    inputs: ['param', 'grad', 'hyper', ...state],
    outputs: [],
    mutates: ['param', ...state],
    infer: () => [],
    plan: ({ inputs: [param], attrs, target }) => planOptimizer(attrs, sizeOf(param?.shape ?? []), target),
  });
const ops = { plain: update([]), momentum: update(['momentum']), adam: update(['m', 'v']) };

/**
 * One optimiser step over flat f32 vectors, in place and in one dispatch. `hyper` holds the numbers that change
 * (`hyperNames` in kernels); `state` is [] or [momentum] for SGD, [m, v] for Adam.
 */
export function optimizerUpdate(
  rule: OptimizerRule,
  { param, grad, hyper, state }: { param: Tensor; grad: Tensor; hyper: Tensor; state: readonly Tensor[] },
): void {
  const op = rule.kind !== 'sgd' ? ops.adam : rule.momentum !== 0 ? ops.momentum : ops.plain;
  apply(op, [param, grad, hyper, ...state], rule);
}
