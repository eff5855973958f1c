import type { DType } from '@initlab/kernels';
import { OpError } from '../../checks/errors.js';
import type { Tensor } from '../../tensor/tensor.js';

export const isFloat = (dtype: DType): boolean => dtype === 'f32' || dtype === 'f16';

/**
 * Type in which operands meet (PyTorch's promotion): that of the tensors where it is one; a float's where it meets whole
 * numbers; f32 where a fraction meets whole numbers. f16 with f32 and i32 with u32 are left to the user.
 */
export function promoted(op: string, operands: readonly (Tensor | number | undefined)[]): DType {
  let found: DType | undefined;
  let fraction = false;
  for (const x of operands) {
    if (typeof x === 'number') fraction ||= !Number.isInteger(x);
    else if (x && x.dtype !== found) {
      if (found && isFloat(found) === isFloat(x.dtype)) throw new OpError(op, `operands are ${found} and ${x.dtype}; cast() one`);
      if (!found || isFloat(x.dtype)) found = x.dtype;
    }
  }
  return found === undefined || (fraction && !isFloat(found)) ? 'f32' : found;
}
