import { OpError } from '../../checks/errors.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

/** Throws where an operand of an op of floats holds whole numbers: its kernel would read their bits as something else. */
export function checkFloat(op: string, x: Tensor, name?: string): void {
  checkTensor(op, x, name);
  if (x.dtype !== 'f32' && x.dtype !== 'f16')
    throw new OpError(op, `takes floating-point tensors, got ${x.dtype}${name ? ` as ${name}` : ''}; cast() it first, e.g. .to('f32')`);
}

/** Throws where an operand that is always kept in full precision is not f32. */
export function checkF32(op: string, x: Tensor | undefined, name: string): void {
  if (x && x.dtype !== 'f32') throw new OpError(op, `${name} is ${x.dtype}, but has to be f32; cast() it first, e.g. .to('f32')`);
}
