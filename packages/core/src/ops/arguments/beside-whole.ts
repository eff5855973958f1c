import type { DType } from '@initlab/kernels';
import { wholeRanges } from '../../checks/check-values.js';
import { OpError } from '../../checks/errors.js';

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
