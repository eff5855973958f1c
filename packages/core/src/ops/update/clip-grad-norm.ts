import { planClipGradNorm } from '@initlab/kernels';
import { checkOptions } from '../../checks/check-arguments.js';
import { OpError, showValue } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { numbered, type SlotList } from '../../op/slots.js';
import { rowMajor } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { alsoEmpty, checkGradients, forGradients } from './all-gradients.js';

const normOps = forGradients(({ slots, names, sizesOf }) => {
  const normOp = (name: string, mutates: SlotList) =>
    defineOp<{ readonly maxNorm?: number }>()<SlotList, ['norm']>({
      name,
      inputs: [...slots, 'lossScale?'],
      outputs: ['norm'],
      mutates,
      infer: () => ({ norm: rowMajor([1]) }),
      ...alsoEmpty<{ readonly maxNorm?: number }>(({ inputs, attrs: { maxNorm }, target }) =>
        planClipGradNorm({ sizes: sizesOf(inputs), maxNorm, scaled: inputs.lossScale !== undefined }, target),
      ),
    });
  return { clip: normOp('clipGradNorm', names), measure: normOp('gradNorm', []) };
});

/**
 * Scales gradients in place so that the norm of all of them together is at most `maxNorm`, and returns the norm [1] they
 * had (PyTorch's `clip_grad_norm_`); with `maxNorm` Infinity they are measured and stay as they are. Takes f32 tensors: the flat
 * gradients of the parameter groups. A norm that is NaN makes all of them NaN but zeros. With `lossScale` both norms are those of the unscaled gradients; what is scaled stays so.
 */
export function clipGradNorm(grads: readonly Tensor[], options: { maxNorm: number; lossScale?: Tensor | undefined }): Tensor {
  checkOptions('clipGradNorm', options, ['maxNorm', 'lossScale']);
  const { maxNorm, lossScale } = options;
  checkGradients('clipGradNorm', grads);
  if (typeof maxNorm !== 'number' || !(maxNorm > 0))
    throw new OpError('clipGradNorm', `maxNorm is ${showValue(maxNorm)}; give a positive number, or Infinity to measure only`);
  const ops = normOps(grads.length);
  const operands = { ...numbered('grad', grads), ...(lossScale === undefined ? {} : { lossScale }) };
  return maxNorm === Number.POSITIVE_INFINITY ? applyOne(ops.measure, operands, {}) : applyOne(ops.clip, operands, { maxNorm });
}
