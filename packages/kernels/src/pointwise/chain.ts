import type { DType } from '../plan.js';
import type { BinaryName, UnaryName } from './table.js';

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

/** Short name of a step for kernel names. */
export function stepName(step: ChainStep): string {
  const { f } = step;
  if (f.kind === 'unaryGrad') return `${f.row}Grad`;
  if (f.kind === 'binaryGrad') return `${f.row}Grad${f.side}`;
  return f.kind === 'unary' || f.kind === 'binary' ? f.row : f.kind;
}

/** How the numbers of a chain stand in names: a step's attributes, and a number among its arguments. */
interface NamedNumbers {
  attrs(values: readonly number[]): string;
  scalar(value: number): string;
}

/** An operand in names: `x0` is an input, `t0` an earlier step's value. */
export const argText = (arg: ChainArg, { scalar }: Pick<NamedNumbers, 'scalar'>): string =>
  'input' in arg ? `x${arg.input}` : 'step' in arg ? `t${arg.step}` : scalar(arg.scalar);

/** A chain's steps as part of a kernel's name: `add(x1 x0)+relu(t0)`. */
export const stepsText = ({ steps }: PointwiseChain, numbers: NamedNumbers): string =>
  steps
    .map((step) => `${stepName(step)}${numbers.attrs(step.attrs ?? [])}(${step.args.map((arg) => argText(arg, numbers)).join(' ')})`)
    .join('+');
