import { type PointwiseChain, planPointwise } from '@initlab/kernels';
import { defineOp } from '../../../op/op-def.js';

export const slots = (letter: string): string[] => Array.from({ length: 32 }, (_, i) => `${letter}${i}`);

/** Several pointwise ops in one kernel. Made by the rewrite only: it has no gradient, since the tape is done by then. */
export const fusedPointwiseOp = defineOp<{ readonly chain: PointwiseChain }>({
  name: 'pointwise',
  inputs: slots('x'),
  outputs: slots('y'),
  infer: () => {
    throw new Error('pointwise: made while compiling only');
  },
  pointwise: ({ attrs }) => attrs.chain,
  plan: ({ attrs, target }) => planPointwise(attrs.chain, target),
});
