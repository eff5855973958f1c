import { checkTensors } from '../check-tensor.js';
import { planAssign } from '@initlab/kernels';
import { OpError, showShape } from '../errors.js';
import { applyOne, defineOp } from '../op.js';
import { sameShape } from '../spec.js';
import type { Tensor } from '../tensor.js';

const assignOp = defineOp<{ mode: 'copy' | 'add' }>({
  name: 'assign',
  inputs: ['dst', 'src'],
  outputs: [],
  mutates: ['dst'],
  formats: ([dst]) => ['keep', dst?.format ?? 'rowMajor'],
  infer: ([dst, src]) => {
    if (!dst || !src) return [];
    if (!sameShape(dst.shape, src.shape))
      throw new OpError('assign', `source ${showShape(src.shape)} does not have the shape ${showShape(dst.shape)}`);
    if (dst.dtype !== src.dtype) throw new OpError('assign', `source is ${src.dtype}, destination ${dst.dtype}; cast() the source`);
    return [];
  },
  plan: ({ inputs: [dst], attrs, target }) =>
    planAssign({ size: dst?.shape.reduce((a, b) => a * b, 1) ?? 0, dtype: dst?.dtype ?? 'f32', mode: attrs.mode }, target),
});

/** `dst[...] = src` (PyTorch's `copy_`): in place, outside the tape. */
export function copyInto(dst: Tensor, src: Tensor): Tensor {
  checkTensors('copyInto', { dst, src });
  applyOne(assignOp, [dst, src], { mode: 'copy' });
  return dst;
}

/** `dst += src` in place, outside the tape. */
export function addInto(dst: Tensor, src: Tensor): Tensor {
  checkTensors('addInto', { dst, src });
  applyOne(assignOp, [dst, src], { mode: 'add' });
  return dst;
}

/** The copy a rewrite may leave out by letting the producer write to the destination. */
export const isCopyInto = (op: { readonly name: string }, attrs: unknown): boolean =>
  op.name === 'assign' && (attrs as { mode: string }).mode === 'copy';
