import { fromHalf, toHalf } from '../storage/host-data.js';

/** The numbers of a type: how one is rounded to it, and which is next. */
interface Grid {
  round(value: number): number;
  next(value: number, up: boolean): number;
}

const word = new DataView(new ArrayBuffer(4));

/** Bits that count the type's numbers in order, from those of sign and size. */
const ordered = (bits: number, sign: number): number => (bits >= sign ? sign - bits : bits);

const f32: Grid = {
  round: Math.fround,
  next(value, up) {
    word.setFloat32(0, value);
    const at = ordered(word.getUint32(0), 2 ** 31) + (up ? 1 : -1);
    word.setUint32(0, at < 0 ? 2 ** 31 - at : at);
    return word.getFloat32(0);
  },
};
const f16: Grid = {
  round: (value) => fromHalf(toHalf(value)),
  next(value, up) {
    const at = ordered(toHalf(value), 2 ** 15) + (up ? 1 : -1);
    return fromHalf(at < 0 ? 2 ** 15 - at : at);
  },
};

/**
 * The least and the greatest number of a type in [low, high): what a draw is kept within, since rounding it to the type may step
 * over a bound. `low`, rounded, where the type has none in between.
 */
export function halfOpen(low: number, high: number, dtype: 'f32' | 'f16'): { least: number; most: number } {
  const grid = dtype === 'f16' ? f16 : f32;
  const [start, end] = [grid.round(low), grid.round(high)];
  const least = start < low ? grid.next(start, true) : start;
  const most = end < high ? end : grid.next(end, false);
  return least <= most ? { least, most } : { least: start, most: start };
}
