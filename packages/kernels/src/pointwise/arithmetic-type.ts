import type { ChainArg, ChainStep, PointwiseChain } from './chain.js';
import { type BinaryRow, binaryRows, type UnaryRow, unaryRows } from './table.js';

/** What the values between a chain's steps are. */
export type ArithmeticType = 'f32' | 'i32' | 'u32';

const rowOf = ({ f }: ChainStep): UnaryRow | BinaryRow | undefined =>
  f.kind === 'unary' ? unaryRows[f.row] : f.kind === 'binary' ? binaryRows[f.row] : undefined;

/** What a row computes of values of that type. */
export function rowText({ forward, whole }: UnaryRow | BinaryRow, work: ArithmeticType): string {
  if (work === 'f32' || !whole) return forward;
  return whole === true ? forward.replaceAll('.0', '') : whole.replace(/T\b/g, work);
}

const isWhole = (type: string): type is 'i32' | 'u32' => type === 'i32' || type === 'u32';
/** The input that only tells which of two values a choice takes: of any type, beside these. */
const conditionOf = ({ f, args: [condition] }: ChainStep): number | undefined =>
  f.kind === 'where' && condition && 'input' in condition ? condition.input : undefined;

/**
 * Type of a chain's arithmetic: f32, but whole numbers stay whole (i32 or u32, no digits lost above 2²⁴) where all
 * inputs and outputs are, and every step has a meaning there. Comparisons of them are so too, though what they give is a float.
 */
export function arithmeticType({ inputs, steps, outputs }: Pick<PointwiseChain, 'inputs' | 'outputs' | 'steps'>): ArithmeticType {
  const [only] = steps;
  const condition = steps.length === 1 && only ? conditionOf(only) : undefined;
  const [first, ...others] = inputs.flatMap(({ dtype }, i) => (i === condition ? [] : [dtype]));
  if (first === undefined || !isWhole(first) || others.some((dtype) => !isWhole(dtype))) return 'f32';
  const isExact = (value: number): boolean => value === (first === 'u32' ? value >>> 0 : value | 0);
  const exact = (a: ChainArg): boolean => !('scalar' in a) || isExact(a.scalar);
  const known = (step: ChainStep): boolean => {
    const row = rowOf(step);
    return row ? !!row.whole : step.f.kind === 'copy' || step.f.kind === 'where';
  };
  const row = steps.length === 1 && only ? rowOf(only) : undefined;
  const fits = (row && 'compares' in row) || outputs.every(({ dtype }) => isWhole(dtype));
  return fits && steps.every((step) => known(step) && step.args.every(exact) && (step.attrs ?? []).every(isExact)) ? first : 'f32';
}

/** Type in which an input is read. */
export const inputType = (chain: PointwiseChain, i: number): ArithmeticType =>
  isWhole(chain.inputs[i]?.dtype ?? 'f32') ? arithmeticType(chain) : 'f32';
