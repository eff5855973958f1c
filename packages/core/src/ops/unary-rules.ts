import { OpError } from '../checks/errors.js';
import type { UnaryName } from '@initlab/kernels';
import type { Tensor } from '../tensor/tensor.js';

/** Rows whose derivative is not zero everywhere. */
export type DifferentiableUnary = Exclude<UnaryName, 'sign' | 'floor' | 'isNan'>;
export interface UnaryGradContext {
  readonly g: Tensor;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly attrs: readonly number[];
}
export type UnaryRules = Readonly<Record<DifferentiableUnary, (context: UnaryGradContext) => Tensor>>;

// Filled by unary-composed.ts, whose rules are made of the very ops that need them: a table keeps the files acyclic.
let rules: UnaryRules | undefined;

export function setUnaryRules(all: UnaryRules): void {
  rules = all;
}

export function composedUnaryRule(row: DifferentiableUnary): UnaryRules[DifferentiableUnary] {
  if (!rules) throw new OpError('createGraph', 'the composed gradient rules are not loaded; import @initlab/core by its index');
  return rules[row];
}
