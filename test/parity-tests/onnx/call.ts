import { type Device, type DType, type Tensor, tensor } from '@initlab/core';

/** How our types hold ONNX's: all their numbers here fit. A truth is 0 or 1, as our comparisons have it. */
const types = {
  float16: 'f16',
  float32: 'f32',
  float64: 'f32',
  int8: 'i32',
  int16: 'i32',
  int32: 'i32',
  int64: 'i32',
  uint8: 'u32',
  uint16: 'u32',
  uint32: 'u32',
  uint64: 'u32',
  bool: 'f32',
} as const satisfies Record<string, DType>;

/** A tensor of the file; what JSON has no number for is a string. */
export interface Values {
  readonly shape: readonly number[];
  readonly dtype: keyof typeof types;
  readonly data: readonly (number | string)[];
}
type Attribute = number | string | readonly number[] | Values;

/** A case of test/parity/onnx.json. */
export interface OnnxCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: Readonly<Record<string, Attribute>>;
  /** Null: left out. */
  readonly inputs: readonly (Values | null)[];
  readonly outputs: readonly Values[];
}
export interface OnnxFile {
  readonly version: string;
  readonly larger: readonly string[];
  readonly cases: readonly OnnxCase[];
}

/** How an operator of ONNX is said with our functions: its outputs, in order. */
export type Run = (call: Call) => Tensor | readonly Tensor[];
export type Table = Readonly<Record<string, Run>>;

/** Floats as f32 has them: the file's are as short as tells them apart. */
export function numbersOf({ data, dtype }: Values): number[] {
  const all = data.map((v) => (v === 'inf' ? Number.POSITIVE_INFINITY : v === '-inf' ? Number.NEGATIVE_INFINITY : Number(v)));
  return dtype.startsWith('float') ? all.map(Math.fround) : all;
}
export const typeOf = ({ dtype }: Values): DType => types[dtype];

/** A case on a device: operands as tensors, or as numbers where our functions take these, and attributes by their type. */
export class Call {
  private readonly operands: readonly (Tensor | undefined)[];
  constructor(
    readonly of: OnnxCase,
    readonly device: Device,
  ) {
    this.operands = of.inputs.map(
      (values) => values?.data && tensor(numbersOf(values), { shape: values.shape, dtype: typeOf(values), device }),
    );
  }

  /** The operands that are there. */
  get all(): Tensor[] {
    return this.operands.filter((x) => x !== undefined);
  }
  optional(i: number): Tensor | undefined {
    return this.operands[i];
  }
  x(i: number): Tensor {
    const found = this.operands[i];
    if (!found) throw new Error(`${this.of.name} has no operand ${i}`);
    return found;
  }
  /** The numbers of an operand, such as axes or a shape. */
  numbers(i: number): number[] | undefined {
    const values = this.of.inputs[i];
    return values ? numbersOf(values) : undefined;
  }

  private attribute<T>(name: string, is: (value: Attribute) => value is Attribute & T): T | undefined {
    const value = this.of.attrs[name];
    if (value === undefined || is(value)) return value;
    throw new Error(`${this.of.name}: ${name} is ${JSON.stringify(value)}`);
  }
  number(name: string): number | undefined;
  number(name: string, otherwise: number): number;
  number(name: string, otherwise?: number): number | undefined {
    return this.attribute(name, (v) => typeof v === 'number') ?? otherwise;
  }
  text(name: string, otherwise: string): string {
    return this.attribute(name, (v) => typeof v === 'string') ?? otherwise;
  }
  list(name: string): readonly number[] | undefined {
    return this.attribute<readonly number[]>(name, (v): v is Attribute & readonly number[] => Array.isArray(v));
  }
  values(name: string): Values | undefined {
    return this.attribute(name, (v) => typeof v === 'object' && 'data' in v);
  }
  flag(name: string, otherwise = false): boolean {
    return this.number(name, otherwise ? 1 : 0) === 1;
  }
}
