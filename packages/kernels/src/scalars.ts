/**
 * A number a kernel is told by name: WGSL reads it as `p.name`, whether it is in the code or passed at dispatch. What is below 32 bits
 * says how far it goes, so that several can be passed in one word: 64 bytes of immediates are all there are.
 */
export interface Scalar {
  readonly type: 'u32' | 'i32' | 'f32';
  readonly value: number;
  /** Passed in so many bits of a word, which it shares with the fields of as many bits beside it. */
  readonly bits?: 8 | 16;
  /** Of few bits: may be negative. WGSL reads it as u32, where −1 is huge, as coordinates left of an image are to be. */
  readonly signed?: boolean;
}
export type Scalars = Readonly<Record<string, Scalar>>;

export const u32 = (value: number): Scalar => ({ type: 'u32', value });
export const i32 = (value: number): Scalar => ({ type: 'i32', value });
export const f32 = (value: number): Scalar => ({ type: 'f32', value });
export const u8 = (value: number): Scalar => ({ type: 'u32', value, bits: 8 });
export const u16 = (value: number): Scalar => ({ type: 'u32', value, bits: 16 });
export const s16 = (value: number): Scalar => ({ type: 'u32', value, bits: 16, signed: true });

/** Several fields of type u32, by their names: `u32s({ rows, columns })`. */
export const u32s = (values: Readonly<Record<string, number>>): Scalars =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, u32(value)]));

/** Two fields, of the height and of the width, of 16 bits or as said: `heightWidth('source', [32, 24])` are sourceHeight and sourceWidth. */
export const heightWidth = (name: string, [height, width]: readonly [number, number], as: (value: number) => Scalar = u16): Scalars => ({
  [`${name}Height`]: as(height),
  [`${name}Width`]: as(width),
});
/** The same along y and x: `alongAxes('stride', [2, 1])` are strideY and strideX. */
export const alongAxes = (name: string, [y, x]: readonly [number, number], as: (value: number) => Scalar = u16): Scalars => ({
  [`${name}Y`]: as(y),
  [`${name}X`]: as(x),
});

/** Whether every number fits 16 bits, without a sign or with one. */
export const fits16 = (values: readonly number[]): boolean => values.every((v) => v >= -0x8000 && v <= 0x7fff);

/** WGSL literal of a finite number, exact for every f32. */
export function floatLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`kernels: ${value} cannot be written as a WGSL literal`);
  const text = Math.fround(value).toString();
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}

/** A field as a WGSL expression. */
export function literal({ type, value }: Scalar): string {
  if (type === 'f32') return floatLiteral(value);
  if (type === 'i32') return `${value | 0}i`;
  // Not `bitcast<u32>(-1i)`: naga, which compiles for Firefox, has no bitcast in constants.
  return value < 0 ? `${value >>> 0}u /* ${value} */` : `${value}u`;
}

/** A word of what is passed: one field, or several of few bits, the first in the lowest ones. */
export interface Word {
  readonly name: string;
  readonly type: Scalar['type'];
  readonly fields: readonly (readonly [string, Scalar])[];
}

/** Scalars of as many bits side by side share a word, which is named after them all. */
export function wordsOf(fields: Scalars): Word[] {
  const words: (readonly [string, Scalar])[][] = [];
  for (const entry of Object.entries(fields)) {
    const [name, { value, bits, signed = false }] = entry;
    const last = words.at(-1);
    const beside = last?.[0]?.[1].bits;
    if (bits !== undefined) {
      const [least, most] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
      if (!(value >= least && value <= most)) throw new RangeError(`kernels: ${name} is ${value}, which ${bits} bits do not hold`);
    }
    if (last && bits !== undefined && beside === bits && last.length * bits < 32) last.push(entry);
    else words.push([entry]);
  }
  return words.map((of) => ({ name: of.map(([name]) => name).join('_'), type: of[0]?.[1].type ?? 'u32', fields: of }));
}

export function packWords(words: readonly Word[]): ArrayBuffer {
  const view = new DataView(new ArrayBuffer(words.length * 4));
  words.forEach(({ type, fields }, i) => {
    const [, { value, bits = 32 }] = fields[0] as readonly [string, Scalar];
    if (type === 'f32') view.setFloat32(i * 4, value, true);
    else if (bits === 32) view.setUint32(i * 4, value, true);
    else
      view.setUint32(
        i * 4,
        fields.reduce((word, [, field], at) => word | ((field.value & (2 ** bits - 1)) << (at * bits)), 0),
        true,
      );
  });
  return view.buffer;
}

/** `p.name` of every field of few bits, taken out of the word it is passed in. */
export function readPacked(code: string, words: readonly Word[]): string {
  const readers = new Map<string, string>();
  for (const { name: word, fields } of words)
    fields.forEach(([name, { bits, signed }], at) => {
      if (bits === undefined) return;
      const [first, of] = [`${at * bits}u`, `p.${word}`];
      if (signed) readers.set(name, `bitcast<u32>(extractBits(bitcast<i32>(${of}), ${first}, ${bits}u))`);
      else if (at === 0) readers.set(name, `(${of} & ${2 ** bits - 1}u)`);
      else if ((at + 1) * bits === 32) readers.set(name, `(${of} >> ${first})`);
      else readers.set(name, `((${of} >> ${first}) & ${2 ** bits - 1}u)`);
    });
  return readers.size === 0 ? code : code.replace(/\bp\.(\w+)/g, (read, name: string) => readers.get(name) ?? read);
}
