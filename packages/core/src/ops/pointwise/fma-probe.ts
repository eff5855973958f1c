import { planFmaProbe } from '@initlab/kernels';
import { checkNumber, checkOptions } from '../../checks/check-arguments.js';
import { applyOne, defineOp } from '../../op/op.js';
import { rowMajor } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';

interface ProbeAttrs {
  readonly invocations: number;
  readonly rounds: number;
}

const probeOp = defineOp<ProbeAttrs>()({
  name: 'fmaProbe',
  inputs: ['like'],
  outputs: ['y'],
  infer: (_, { invocations }) => ({ y: rowMajor([invocations]) }),
  plan: ({ attrs, target }) => planFmaProbe(attrs, target),
});

/** Does 64 · `rounds` · `invocations` floating-point operations in registers; for benches. `like` names the device. */
export function fmaProbe(like: Tensor, work: ProbeAttrs): Tensor {
  checkOptions('fmaProbe', work, ['invocations', 'rounds']);
  const { invocations, rounds } = work;
  checkNumber('fmaProbe', { invocations, rounds }, { from: 0, whole: true });
  return applyOne(probeOp, { like }, work);
}
