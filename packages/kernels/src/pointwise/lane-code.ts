import { arithmeticType, type ChainArg, type PointwiseChain, stepExpression } from './chain.js';

/** How a lane's WGSL names what it reads and makes. */
export interface LaneNames {
  /** Value of input i, already of the chain's arithmetic type. */
  input(i: number): string;
  /** Where output i goes. */
  result(i: number): string;
  /** A number of the chain; `name` is unique to it. */
  number(value: number, name: string): string;
}

/** WGSL of a chain's steps for one element: a block that assigns every output. */
export function laneCode(chain: PointwiseChain, { input, result, number }: LaneNames): string {
  const work = arithmeticType(chain);
  const value = (arg: ChainArg, k: number, i: number): string =>
    'input' in arg
      ? input(arg.input)
      : 'step' in arg
        ? `t${arg.step}`
        : `${work === 'f32' ? '' : work}(${number(arg.scalar, `c${k}_${i}`)})`;
  const steps = chain.steps.map((step, k) => {
    const args = step.args.map((arg, i) => value(arg, k, i));
    const attrs = (step.attrs ?? []).map((each, i) => number(each, `a${k}_${i}`));
    return `let t${k} = ${stepExpression(step.f, args, attrs)};`;
  });
  const outputs = chain.outputs.map((output, i) => `${result(i)} = ${value(output.value, -1, -1)};`);
  return `{ ${[...steps, ...outputs].join(' ')} }`;
}
