/** Slots as an op declares them, in order: `['x', 'weight', 'bias?']`. A `?` marks one that may be absent. */
export type SlotList = readonly string[];

type Bare<N extends string> = N extends `${infer M}?` ? M : N;

/** Names of slots, without the mark. */
export type SlotName<S extends SlotList> = Bare<S[number]>;

/**
 * One value for each slot, by name: `{ x: T; weight: T; bias?: T }`. Of an op whose slots are not known to the compiler that is
 * `Named<T>`. No conditional type, which would make ops of known slots no ops.
 */
export type Slots<S extends SlotList, T> = {
  readonly [K in S[number] as K extends `${string}?` ? never : K]: T;
} & { readonly [K in S[number] as K extends `${infer N}?` ? N : never]?: T | undefined };

/** A value for some of the slots. */
export type SomeSlots<S extends SlotList, T> = { readonly [K in SlotName<S>]?: T | undefined };

/** One value for each slot, whether it may be absent or not. */
export type AllSlots<S extends SlotList, T> = { readonly [K in SlotName<S>]: T };

/** Values by slot, of whatever op; what is read of a name may be absent. */
export interface Named<T> {
  readonly [name: string]: T;
}

/** A declared slot, read. */
export interface Slot {
  readonly name: string;
  readonly optional: boolean;
}

/** The only place that knows what the mark looks like. */
export const readSlots = (declared: SlotList): readonly Slot[] =>
  declared.map((name) => (name.endsWith('?') ? { name: name.slice(0, -1), optional: true } : { name, optional: false }));

/** The values that are there, in the order of the slots. */
export function present<T>(slots: readonly Slot[], values: Named<T>): T[] {
  const list: T[] = [];
  for (const { name } of slots) {
    const value = values[name];
    if (value !== undefined) list.push(value);
  }
  return list;
}

/** What `convert` makes of each value that is there, by slot. */
export function mapSlots<T, U>(slots: readonly Slot[], values: Named<T>, convert: (value: T, name: string) => U | undefined): Named<U> {
  const made: Record<string, U> = {};
  for (const { name } of slots) {
    const value = values[name];
    const converted = value === undefined ? undefined : convert(value, name);
    if (converted !== undefined) made[name] = converted;
  }
  return made;
}

/** Slots of an op that takes any number of values up to `count`: x0, x1?, x2?, … */
export const numberedSlots = (letter: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => (i === 0 ? `${letter}0` : `${letter}${i}?`));

/** Values for such slots: the record form of a list, x0 first. */
export const numbered = <T>(letter: string, values: readonly T[]): Named<T> =>
  Object.fromEntries(values.map((value, i) => [`${letter}${i}`, value]));
