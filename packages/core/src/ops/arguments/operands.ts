import type { DType, Lines } from '@initlab/kernels';
import { wholeRanges } from '../../checks/check-values.js';
import { OpError, showShape } from '../../checks/errors.js';
import { memoryOrder, sizeOf, type TensorSpec } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

/** A dimension of `x` as the user named it, counted from 0; negative ones count from the end. */
export function axis(op: string, x: Tensor, dim: number): number {
  checkTensor(op, x);
  const found = dim < 0 ? dim + x.ndim : dim;
  if (!Number.isInteger(found) || found < 0 || found >= x.ndim)
    throw new OpError(op, `dim ${dim} is no dimension of ${showShape(x.shape)}`);
  return found;
}

/** A dimension as the tensor's memory has it. */
export function linesOf(spec: Pick<TensorSpec, 'shape' | 'format'>, dim: number): Lines {
  const order = memoryOrder(spec);
  const sizes = order.map((d) => spec.shape[d] as number);
  const at = order.indexOf(dim);
  return { outer: sizeOf(sizes.slice(0, at)), length: sizes[at] ?? 1, inner: sizeOf(sizes.slice(at + 1)) };
}

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

/** What becomes of a whole number out of range: it wraps (as sums and products do), ends at a bound that changes nothing, or is refused. */
export type Beyond = 'wraps' | 'noUpper' | 'noLower' | 'refused';

/** A whole number as an op on i32 or u32 can take it; of other types, as it is. */
export function besideWhole(op: string, value: number, { dtype, beyond }: { dtype: DType; beyond: Beyond }): number {
  const range = wholeRanges[dtype];
  if (!range || !Number.isInteger(value) || (value >= range[0] && value <= range[1])) return value;
  const [least, most] = range;
  if (beyond === 'wraps') return dtype === 'u32' ? value >>> 0 : value | 0;
  if (beyond === 'noUpper' && value > most) return most;
  if (beyond === 'noLower' && value < least) return least;
  throw new OpError(op, `${value} is no ${dtype}; give whole numbers from ${least} to ${most}, or cast() it first, e.g. .to('f32')`);
}
