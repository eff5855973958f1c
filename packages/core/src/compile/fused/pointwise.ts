import { type PointwiseChain, planPointwise } from '@initlab/kernels';
import { defineOp, madeHere } from '../../op/op.js';
import { numberedSlots, type SlotList } from '../../op/slots.js';

/** More than any device binds. */
export const mostOperands = 32;

/**
 * Several pointwise ops in one kernel, its values in record form (`numbered`): x0, x1, … and y0, y1, … Made by the rewrite only: it has
 * no gradient, since the tape is done by then.
 */
export const fusedPointwiseOp = defineOp<{ readonly chain: PointwiseChain }>()<SlotList, SlotList>({
  name: 'pointwise',
  inputs: numberedSlots('x', mostOperands),
  outputs: numberedSlots('y', mostOperands),
  infer: madeHere,
  pointwise: ({ attrs }) => attrs.chain,
  plan: ({ attrs, target }) => planPointwise(attrs.chain, target),
});
