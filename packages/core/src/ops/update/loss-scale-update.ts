import { type LossScaleRule, planLossScale } from '@initlab/kernels';
import { checkObject } from '../../checks/check-arguments.js';
import { apply, defineOp } from '../../op/op.js';
import { numbered, type SlotList } from '../../op/slots.js';
import type { Tensor } from '../../tensor/tensor.js';
import { alsoEmpty, checkGradients, forGradients } from './all-gradients.js';

export { largestLossScale } from '@initlab/kernels';
export type { LossScaleRule };

const scaleOps = forGradients(({ slots, sizesOf }) =>
  defineOp<LossScaleRule>()<SlotList, []>({
    name: 'lossScaleUpdate',
    inputs: [...slots, 'state'],
    outputs: [],
    mutates: ['state'],
    infer: () => ({}),
    ...alsoEmpty<LossScaleRule>(({ inputs, attrs, target }) => planLossScale({ sizes: sizesOf(inputs), ...attrs }, target)),
  }),
);

/**
 * Looks for NaN and infinities in the gradients (f32 tensors) and moves a loss scaler's `state` of four: scale of the next
 * loss, factor that unscales these gradients, 1 when they are not finite, good steps in a row. All on the device.
 */
export function lossScaleUpdate(grads: readonly Tensor[], options: LossScaleRule & { state: Tensor }): void {
  checkObject('lossScaleUpdate', 'options { state, growth, … }', options);
  const { state, ...rule } = options;
  checkGradients('lossScaleUpdate', grads);
  apply(scaleOps(grads.length), { ...numbered('grad', grads), state }, rule);
}
