import { OpError, showValue } from '../checks/errors.js';
import { Tensor } from './tensor.js';

/** Throws where an operand is no tensor: numbers, arrays and promises of tensors are none. */
export function checkTensor(op: string, x: unknown, name = 'x'): asserts x is Tensor {
  if (x instanceof Tensor) return;
  const remedy = x instanceof Promise ? 'await it first' : 'make one with tensor(…)';
  throw new OpError(op, `${name} is ${showValue(x)}, not a tensor; ${remedy}`);
}

/** The same of several, by name. */
export function checkTensors(op: string, operands: Readonly<Record<string, unknown>>): void {
  for (const name in operands) checkTensor(op, operands[name], name);
}

/** As `checkTensors`, of options that may be left out; null is no way to do that. */
export function checkTensorOptions(op: string, options: Readonly<Record<string, unknown>>): void {
  for (const name in options) {
    if (options[name] === null) throw new OpError(op, `${name} is null, not a tensor; leave it out or make one with tensor(…)`);
    if (options[name] !== undefined) checkTensor(op, options[name], name);
  }
}
