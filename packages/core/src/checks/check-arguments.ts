import { dtypeBytes } from '@initlab/kernels';
import { OpError, showValue } from './errors.js';
import { nearest } from './nearest.js';

/** What every tensor has: checks of options tell one by it without importing the class, and the device with it. */
export const tensorMark: unique symbol = /* @__PURE__ */ Symbol('tensor');

/** Is it a tensor? */
const isTensor = (x: object): boolean => tensorMark in x;

/** Nothing more where a list names every option of `T`; else what it lacks, so that the compiler's message says it. */
type Complete<T, Known> = [Exclude<keyof T, Known>] extends [never] ? unknown : { lacks: Exclude<keyof T, Known> };

/**
 * Throws for options that `name` does not have, which would be ignored in silence, and for bare values where PyTorch takes
 * positional arguments. A list that lacks an option of the type, or has one too many, does not compile.
 */
export function checkOptions<T extends object, const Known extends readonly (keyof T & string)[]>(
  name: string,
  options: T,
  known: Known & Complete<T, Known[number]>,
): void {
  const list = known.length === 0 ? 'it takes none' : `its options are ${known.join(', ')}`;
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isTensor(options))
    throw new OpError(name, `options come as an object, { ${known[0] ?? ''}: … }, got ${showValue(options)}; ${list}`);
  for (const key in options) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    throw new OpError(name, `there is no option ${key}; ${meant === undefined ? '' : `did you mean ${meant}? `}${list}`);
  }
}

/** Throws where an object is wanted and there is none; `what` says which: `an entry { name, make }`. */
export function checkObject(op: string, what: string, value: unknown): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new OpError(op, `takes ${what}, got ${showValue(value)}`);
}

/** Throws unless an entry of a registry has a name, and the function `makes`. */
export function checkEntry(op: string, entry: unknown, makes: string): void {
  checkObject(op, `an entry { name, ${makes}, … }`, entry);
  const { name, [makes]: made } = entry as Record<string, unknown>;
  if (typeof name !== 'string' || name === '') throw new OpError(op, `the entry's name is ${showValue(name)}; give a text`);
  if (typeof made !== 'function') throw new OpError(op, `${makes} of "${name}" is ${showValue(made)}; give a function`);
}

/** Throws unless `value` is one of `known`; `what` names it in the message. */
export function checkChoice(op: string, what: string, { value, known }: { value: unknown; known: readonly string[] }): void {
  if (!known.includes(value as string)) throw new OpError(op, `${what} ${String(value)} is unknown; it is ${known.join(', ')}`);
}

export const checkDType = (op: string, dtype: unknown): void => checkChoice(op, 'dtype', { value: dtype, known: Object.keys(dtypeBytes) });
export const checkFormat = (op: string, format: unknown): void =>
  checkChoice(op, 'format', { value: format, known: ['rowMajor', 'channelsLast'] });

/** Throws where a function is wanted and there is none: `noGrad()` holds for a body, it switches nothing. */
export function checkBody(name: string, body: unknown): void {
  if (typeof body !== 'function') throw new OpError(name, `takes what to run as a function: ${name}(() => …), got ${showValue(body)}`);
}

/** Throws where a device is wanted and something else given, such as PyTorch's names of them. */
export function checkDevice(op: string, device: unknown): void {
  if (typeof (device as { checkUsable?: unknown } | null | undefined)?.checkUsable === 'function') return;
  throw new OpError(op, `device is ${showValue(device)}; give what openDevice() resolves to, or leave it out for the default`);
}

/** Throws unless `shape` is a list of whole numbers ≥ 0, which a shape given as PyTorch's positional sizes is not. */
export function checkShape(op: string, shape: readonly number[]): void {
  if (!Array.isArray(shape)) throw new OpError(op, `takes a shape as a list, e.g. [2, 3], got ${String(shape)}`);
  if (!shape.every((d) => Number.isInteger(d) && d >= 0))
    throw new OpError(op, `shape [${shape.join(', ')}] is not made of whole numbers ≥ 0`);
}

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

/** Throws where more is asked for at the end than PyTorch gives. */
export function checkOutputPadding(
  op: string,
  outputPadding: readonly number[],
  { stride, dilation }: Readonly<Record<'stride' | 'dilation', readonly number[]>>,
): void {
  if (outputPadding.every((more, i) => more < Math.max(stride[i] as number, dilation[i] as number))) return;
  throw new OpError(op, `outputPadding ${outputPadding} must be below the stride ${stride} or the dilation ${dilation}`);
}
