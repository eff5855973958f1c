import { applyOne, defineOp, noPlan } from '../../op/op.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

const aliasOp = defineOp<null>()({
  name: 'alias',
  inputs: ['x'],
  outputs: ['y'],
  view: 'x',
  infer: ({ x }) => ({ y: x }),
  plan: noPlan,
  backward: ({ grads }) => ({ x: grads.y }),
  backwardDifferentiable: true,
});

/**
 * The same elements as another tensor, with a place of its own on the tape (PyTorch's `x.view_as(x)`): a hook registered on it sees the
 * gradient of those uses of `x` that went through it. Shares the bytes.
 */
export function alias(x: Tensor): Tensor {
  checkTensor('alias', x);
  return applyOne(aliasOp, { x }, null);
}
