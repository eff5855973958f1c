import { planAssign } from '@initlab/kernels';
import { OpError, showShape } from '../../checks/errors.js';
import { apply, defineOp } from '../../op/op.js';
import { noGrad } from '../../op/tape.js';
import { sameShape, sizeOf } from '../../storage/spec.js';
import { sharedBytes } from '../../storage/storage.js';
import { checkTensors } from '../../tensor/check-tensor.js';
import { checkOperand } from '../../tensor/operand-checks.js';
import type { Tensor } from '../../tensor/tensor.js';
import { mul } from './binary.js';

export const assignOp = defineOp<{ mode: 'copy' | 'add' }>()({
  name: 'assign',
  inputs: ['dst', 'src'],
  outputs: [],
  mutates: ['dst'],
  formats: ({ dst }) => ({ src: dst.format }),
  infer: () => ({}),
  plan: ({ inputs: { dst }, attrs, target }) => planAssign({ size: sizeOf(dst.shape), dtype: dst.dtype, mode: attrs.mode }, target),
});

/**
 * `dst[...] = src` (PyTorch's `copy_`): in place, outside the tape. Of a tensor into itself, or a view of all of it, nothing is done.
 * Throws `OpError` where the two share a part of their memory only.
 */
export const copyInto = (dst: Tensor, src: Tensor): Tensor => assign('copyInto', { dst, src });

/** `dst += src` in place, outside the tape (PyTorch's `add_`); `dst` may be `src`. Throws as `copyInto` does. */
export const addInto = (dst: Tensor, src: Tensor): Tensor => assign('addInto', { dst, src });

function assign(name: 'copyInto' | 'addInto', { dst, src }: { dst: Tensor; src: Tensor }): Tensor {
  checkTensors(name, { dst, src });
  for (const [key, x] of Object.entries({ dst, src })) checkOperand(name, x, { name: key, device: dst.device });
  if (!sameShape(dst.shape, src.shape))
    throw new OpError(name, `source ${showShape(src.shape)} does not have the shape ${showShape(dst.shape)}`);
  if (dst.dtype !== src.dtype) throw new OpError(name, `source is ${src.dtype}, destination ${dst.dtype}; cast() the source`);
  const shared = sharedBytes(dst.storage, src.storage);
  if (shared === 'some')
    throw new OpError(name, 'source and destination share a part of their memory; copy the source first, e.g. by mul(1)');
  const mode = name === 'copyInto' ? 'copy' : 'add';
  if (shared === 'all' && mode === 'copy') return dst;
  // WebGPU refuses to read and write one buffer in one dispatch, be it other bytes.
  if (dst.storage.whole === src.storage.whole) {
    const copy = noGrad(() => mul(src, 1));
    try {
      apply(assignOp, { dst, src: copy }, { mode });
    } finally {
      copy.dispose();
    }
  } else apply(assignOp, { dst, src }, { mode });
  return dst;
}
