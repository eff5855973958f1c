import type { Scalar } from '../kernel.js';
import { arithmeticType, inputType } from './arithmetic-type.js';
import { argText, type ChainArg, type PointwiseChain, stepsText } from './chain.js';
import { stepExpression } from './step-code.js';

/** How a lane's WGSL names what it reads and makes. */
export interface LaneNames {
  /** Value of input i, already of its `inputType`. */
  input(i: number): string;
  /** Where output i goes. */
  result(i: number): string;
  /** A number of the chain; `name` is unique to it. */
  number(value: number, name: string): string;
  /** Value of step k; default t0, t1, … */
  step?(k: number): string;
}

/** WGSL of a chain's steps for one element: a block that assigns every output. */
export function laneCode(chain: PointwiseChain, { input, result, number, step: name = (k) => `t${k}` }: LaneNames): string {
  const work = arithmeticType(chain);
  const value = (arg: ChainArg, k: number, i: number): string =>
    'input' in arg
      ? input(arg.input)
      : 'step' in arg
        ? name(arg.step)
        : `${work === 'f32' ? '' : work}(${number(arg.scalar, `c${k}_${i}`)})`;
  const steps = chain.steps.map((step, k) => {
    const args = step.args.map((arg, i) => value(arg, k, i));
    const attrs = (step.attrs ?? []).map((each, i) => number(each, `a${k}_${i}`));
    const [condition] = step.args;
    const float = work === 'f32' || (condition && 'input' in condition && inputType(chain, condition.input) === 'f32');
    const made = stepExpression(step.f, { args, attrs, work, zero: float ? '0.0' : '0' });
    return `let ${name(k)} = ${work === 'f32' ? made : `${work}(${made})`};`;
  });
  const outputs = chain.outputs.map((output, i) => `${result(i)} = ${value(output.value, -1, -1)};`);
  return `{ ${[...steps, ...outputs].join(' ')} }`;
}

/** The chain's finite numbers, as scalars of a kernel that names them by `chainNumber`. */
export function chainScalars(chain: PointwiseChain): Record<string, Scalar> {
  const scalars: Record<string, Scalar> = {};
  const type = arithmeticType(chain);
  const add = (name: string, value: number): void => {
    if (Number.isFinite(value)) scalars[name] = { type, value };
  };
  for (const [k, step] of chain.steps.entries()) {
    for (const [i, value] of (step.attrs ?? []).entries()) add(`a${k}_${i}`, value);
    for (const [i, arg] of step.args.entries()) if ('scalar' in arg) add(`c${k}_${i}`, arg.scalar);
  }
  return scalars;
}

/**
 * WGSL of a number: a scalar of the kernel when finite. Others have no literal, so their bits are made from a value known
 * late, the invocation's index `i`.
 */
export const chainNumber = (value: number, name: string): string =>
  Number.isFinite(value)
    ? `p.${name}`
    : `bitcast<f32>(${Number.isNaN(value) ? '0x7fc00000u' : value > 0 ? '0x7f800000u' : '0xff800000u'} | (i & 0u))`;

/** The chain as part of a kernel's name, but for its finite numbers, which are scalars; `mark` tells how an input is read. */
export function chainText(chain: PointwiseChain, mark: (input: number) => string): string {
  const known = (value: number): string => (Number.isFinite(value) ? '' : `${value}`);
  const numbers = { attrs: (values: readonly number[]) => values.map(known).join(''), scalar: (value: number) => `c${known(value)}` };
  const inputs = chain.inputs.map((x, i) => x.dtype + mark(i));
  return `${stepsText(chain, numbers)} ${inputs.join(',')}→${chain.outputs.map((y) => y.dtype + argText(y.value, numbers)).join(',')}`;
}
