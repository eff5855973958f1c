import { type ArithmeticType, rowText } from './arithmetic-type.js';
import type { ChainFunction } from './chain.js';
import { type BinaryName, binaryRows, type UnaryName, unaryRows } from './table.js';

/** A step's arguments and attributes as expressions, of which types, and the zero that its condition is compared with. */
interface StepText {
  readonly args: readonly string[];
  readonly attrs: readonly string[];
  readonly work: ArithmeticType;
  readonly zero: string;
}

/** WGSL of a step's value. */
export function stepExpression(f: ChainFunction, { args, attrs, work, zero }: StepText): string {
  const [first = '', second = '', third = '', fourth = ''] = args;
  switch (f.kind) {
    case 'unary':
      return substitute(rowText(unaryRows[f.row], work), { x: first, a: attrs[0], b: attrs[1] });
    case 'binary':
      return substitute(rowText(binaryRows[f.row], work), { x: first, z: second });
    case 'unaryGrad':
      return substitute(derivative(f.row), { g: first, x: second, y: third, a: attrs[0], b: attrs[1] });
    case 'binaryGrad':
      return substitute(binaryDerivative(f.row, f.side), { g: first, x: second, z: third, y: fourth });
    case 'where':
      return `select(${second}, ${third}, ${first} == ${zero})`;
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
