import { showValue } from './check-options.js';
import { OpError } from './errors.js';

/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

/** Throws for sizes that are not whole numbers from `least`. */
export function checkSizes(name: string, sizes: Readonly<Record<string, number | readonly number[]>>, least = 1): void {
  for (const [key, size] of Object.entries(sizes))
    for (const value of Array.isArray(size) && size.length > 0 ? size : [size])
      if (!Number.isInteger(value) || value < least)
        throw new OpError(name, `${key} is ${showValue(size)}; give a whole number from ${least}`);
}

/** What a number may be: any finite one where nothing is said. */
export interface NumberRange {
  readonly from?: number;
  readonly above?: number;
  /** The most it may be; Infinity is allowed where it stands here. */
  readonly to?: number;
  readonly below?: number;
  readonly whole?: boolean;
}

/** Throws for what is no number (also NaN), or out of its range. */
export function checkNumber(name: string, numbers: Readonly<Record<string, unknown>>, range: NumberRange = {}): void {
  for (const [key, value] of Object.entries(numbers))
    if (!isWithin(value, range)) throw new OpError(name, `${key} is ${showValue(value)}; give ${describeRange(range)}`);
}

function isWithin(value: unknown, { from = -Number.MAX_VALUE, above, to = Number.MAX_VALUE, below, whole = false }: NumberRange): boolean {
  if (typeof value !== 'number' || !(value >= from && value <= to)) return false;
  if ((above !== undefined && value <= above) || (below !== undefined && value >= below)) return false;
  return !whole || Number.isInteger(value);
}

function describeRange({ from, above, to, below, whole = false }: NumberRange): string {
  const least = from !== undefined ? ` from ${from}` : above !== undefined ? ` above ${above}` : '';
  const most =
    to === Number.POSITIVE_INFINITY ? ' or Infinity' : to !== undefined ? ` to ${to}` : below !== undefined ? ` below ${below}` : '';
  const kind = whole ? 'whole ' : least + most === '' ? 'finite ' : '';
  return `a ${kind}number${least}${most}`;
}

/** Throws for options that are neither true nor false nor left out: null and 0 would be taken for one of them. */
export function checkFlags(name: string, flags: Readonly<Record<string, unknown>>): void {
  for (const [key, value] of Object.entries(flags))
    if (value !== undefined && typeof value !== 'boolean') throw new OpError(name, `${key} is ${showValue(value)}; give true or false`);
}

/** One size for both axes, or [height, width], as the latter; throws for anything else. */
export function checkedPair(name: string, pair: Readonly<Record<string, Pair>>, least = 1): readonly [number, number] {
  checkSizes(name, pair, least);
  const [[key, value] = ['', 0]] = Object.entries(pair);
  if (typeof value === 'number') return [value, value];
  if (value?.length !== 2) throw new OpError(name, `${key} is ${showValue(value)}; give one number or [height, width]`);
  return value;
}

/** Throws for what is no list of whole numbers, such as sizes given one by one as PyTorch takes them; shows the call as it is here. */
export function checkList(op: string, what: string, { list, more = [] }: { list: unknown; more?: readonly unknown[] }): void {
  if (!Array.isArray(list)) throw new OpError(op, `takes ${what} as a list: ${op}(x, [${[list, ...more].map(showValue).join(', ')}])`);
  if (more.length > 0)
    throw new OpError(op, `takes ${what} as one list and nothing after it, got ${[list, ...more].map(showValue).join(', ')}`);
}
