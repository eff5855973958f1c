import type { DType } from '../plan.js';
import { type BinaryName, binaryRows, type UnaryName, unaryRows } from './table.js';

/** An operand of a step: an input of the chain, an earlier step's value, or a number. */
export type ChainArg = { readonly input: number } | { readonly step: number } | { readonly scalar: number };

/** What a step computes: a row's forward, one of its derivatives, or a choice. */
export type ChainFunction =
  | { readonly kind: 'unary'; readonly row: UnaryName }
  | { readonly kind: 'binary'; readonly row: BinaryName }
  /** Arguments: gradient, x, y. */
  | { readonly kind: 'unaryGrad'; readonly row: UnaryName }
  /** Arguments: gradient, x, z, y; `side` 0 is the gradient of x. */
  | { readonly kind: 'binaryGrad'; readonly row: BinaryName; readonly side: 0 | 1 }
  /** Arguments: condition (not zero), value if so, value if not. */
  | { readonly kind: 'where' }
  /** Arguments: x, centre, factor. (x − centre) · factor, by halves, since the difference of two large values is no f32. */
  | { readonly kind: 'deviation' }
  | { readonly kind: 'copy' };

export interface ChainStep {
  readonly f: ChainFunction;
  readonly args: readonly ChainArg[];
  readonly attrs?: readonly number[];
}

export interface ChainInput {
  readonly dtype: DType;
  /** Elements to move per step along each dimension of `shape`; 0 where the input is broadcast. */
  readonly strides: readonly number[];
}

/**
 * A small graph of pointwise steps over one iteration space. A single op is a chain of one step; the compiler fuses
 * longer ones. Values between steps are of `arithmeticType`.
 */
export interface PointwiseChain {
  /** Iteration space: the outputs' dimensions in memory order. */
  readonly shape: readonly number[];
  readonly inputs: readonly ChainInput[];
  readonly steps: readonly ChainStep[];
  readonly outputs: readonly { readonly value: ChainArg; readonly dtype: DType }[];
}

/** WGSL of a step's value, with its arguments and attributes already expressions. */
export function stepExpression(f: ChainFunction, args: readonly string[], attrs: readonly string[]): string {
  const [first = '', second = '', third = '', fourth = ''] = args;
  switch (f.kind) {
    case 'unary':
      return substitute(unaryRows[f.row].forward, { x: first, a: attrs[0], b: attrs[1] });
    case 'binary':
      return substitute(binaryRows[f.row].forward, { x: first, z: second });
    case 'unaryGrad':
      return substitute(derivative(f.row), { g: first, x: second, y: third, a: attrs[0], b: attrs[1] });
    case 'binaryGrad':
      return substitute(binaryDerivative(f.row, f.side), { g: first, x: second, z: third, y: fourth });
    case 'where':
      return `select(${second}, ${third}, ${first} == 0.0)`;
    case 'deviation':
      return `fma(${first}, 0.5, ${second} * -0.5) * (${third} * 2.0)`;
    case 'copy':
      return first;
  }
}

/** Which of x, y a unary derivative reads. */
export function unaryGradReads(row: UnaryName): { x: boolean; y: boolean } {
  return { x: /\bx\b/.test(derivative(row)), y: /\by\b/.test(derivative(row)) };
}

/** Which of x, z, y a binary derivative reads. */
export function binaryGradReads(row: BinaryName, side: 0 | 1): { x: boolean; z: boolean; y: boolean } {
  const text = binaryDerivative(row, side);
  return { x: /\bx\b/.test(text), z: /\bz\b/.test(text), y: /\by\b/.test(text) };
}

function derivative(row: UnaryName): string {
  const found = unaryRows[row] as { backward?: string };
  if (!found.backward) throw new Error(`kernels: ${row} has no derivative`);
  return found.backward;
}

function binaryDerivative(row: BinaryName, side: 0 | 1): string {
  const found = binaryRows[row] as { backward?: readonly [string, string] };
  if (!found.backward) throw new Error(`kernels: ${row} has no derivative`);
  return found.backward[side];
}

const substitute = (text: string, values: Readonly<Record<string, string | undefined>>): string =>
  text.replace(/\b[a-z]\b/g, (name) => values[name] ?? name);

/** Functions that mean the same in whole numbers. */
const wholeNumberRows: ReadonlySet<string> = new Set(['add', 'sub', 'mul', 'neg', 'square', 'copy']);

/**
 * Type of a chain's arithmetic: f32, but whole numbers stay whole (i32 or u32, no digits lost above 2²⁴) where all
 * inputs and outputs are, and every step has a meaning there.
 */
export function arithmeticType(chain: Pick<PointwiseChain, 'inputs' | 'outputs' | 'steps'>): 'f32' | 'i32' | 'u32' {
  const first = chain.inputs[0]?.dtype;
  const whole = [...chain.inputs, ...chain.outputs].every((v) => v.dtype === 'i32' || v.dtype === 'u32');
  // Numbers travel as f32, so they must be exact there.
  const least = first === 'u32' ? 0 : -(2 ** 24);
  const exact = (a: ChainArg): boolean => !('scalar' in a) || (Number.isInteger(a.scalar) && a.scalar >= least && a.scalar <= 2 ** 24);
  const known = chain.steps.every(
    (s) => wholeNumberRows.has(stepName(s)) && !(first === 'u32' && stepName(s) === 'neg') && s.args.every(exact),
  );
  return whole && known && (first === 'i32' || first === 'u32') ? first : 'f32';
}

/** Short name of a step for kernel names. */
export function stepName(step: ChainStep): string {
  const { f } = step;
  if (f.kind === 'unaryGrad') return `${f.row}Grad`;
  if (f.kind === 'binaryGrad') return `${f.row}Grad${f.side}`;
  return f.kind === 'unary' || f.kind === 'binary' ? f.row : f.kind;
}
