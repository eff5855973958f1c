import { checkChoice, checkedPair, checkFlags, checkNumber, checkOptions, type Pair } from './check-arguments.js';
import { OpError } from './errors.js';

/** Options of `interpolate`: a size or a factor. */
export interface InterpolateOptions {
  /** Height and width of the result. */
  readonly size?: Pair | undefined;
  /** Times the input's height and width, rounded down: a number, or [height, width]. */
  readonly scaleFactor?: number | readonly [number, number] | undefined;
  /** `area` is the mean of what a pixel covers, `adaptiveAvgPool2d`. Default `nearest`. */
  readonly mode?: 'nearest' | 'bilinear' | 'bicubic' | 'area' | undefined;
  /** Of `bilinear` and `bicubic`: the corners' centres lie on each other, else the corners. Default false. */
  readonly alignCorners?: boolean | undefined;
}

/** Options as they are used; throws for what are none. */
export function checkInterpolation(op: string, options: InterpolateOptions) {
  checkOptions(op, options, ['size', 'scaleFactor', 'mode', 'alignCorners']);
  const { size, scaleFactor, mode = 'nearest', alignCorners } = options;
  checkChoice(op, 'mode', { value: mode, known: ['nearest', 'bilinear', 'bicubic', 'area'] });
  checkFlags(op, { alignCorners });
  if (alignCorners !== undefined && (mode === 'nearest' || mode === 'area'))
    throw new OpError(op, 'alignCorners is an option of bilinear and bicubic');
  if ((size === undefined) === (scaleFactor === undefined)) throw new OpError(op, 'takes either size or scaleFactor');
  const [high = 0, wide = 0, ...more] = typeof scaleFactor === 'object' ? scaleFactor : [scaleFactor ?? 1, scaleFactor ?? 1];
  if (more.length > 0) throw new OpError(op, 'scaleFactor is a number or [height, width]');
  checkNumber(op, { scaleFactor: high }, { above: 0 });
  checkNumber(op, { scaleFactor: wide }, { above: 0 });
  const factors: readonly [number, number] = [high, wide];
  return { size: size === undefined ? undefined : checkedPair(op, { size }), factors, mode, corners: alignCorners === true };
}
