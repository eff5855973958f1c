import { entry, f32, type Scalars, u32s } from '../kernel.js';
import type { FlatPiece } from './pieces.js';
import { hyperNames, type OptimizerRule } from './rule.js';

// The text around an optimiser's formulas, which all of its kernels share.

/** Invocations of a workgroup. */
export const ruleThreads = 64;

export const constantsOf = ({ constants }: OptimizerRule): Scalars =>
  Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, f32(value)]));

/** Parameters begin at multiples of so many elements in a flat buffer: a block is of one parameter. */
export const blockElements = 64;
/** What a pass by blocks over a piece is told: where its blocks begin among all. */
export const blockScalars = (rule: OptimizerRule, { begin }: FlatPiece, invocations: number): Scalars => ({
  ...u32s({ invocations, block: begin / blockElements }),
  ...constantsOf(rule),
});

export const numbersOf = (rule: OptimizerRule): string =>
  hyperNames(rule)
    .map((name, i) => `let ${name} = hyper[${i}];`)
    .join(' ');
export const loads = ({ moments }: OptimizerRule, at: string): string =>
  Object.keys(moments)
    .map((name, k) => `var ${name} = moment${k}[${at}];`)
    .join(' ');
export const stores = ({ moments }: OptimizerRule, at: string): string =>
  Object.keys(moments)
    .map((name, k) => `moment${k}[${at}] = ${name};`)
    .join(' ');
const skips = (scaled: boolean): string => (scaled ? 'if (lossScale[2] != 0.0) { return; }' : '');
/** One after the other: the product of the two small factors could vanish. */
export const gradient = (at: string, scaled: boolean): string => `var g = grad[${at}] * ${scaled ? 'lossScale[1] * ' : ''}gradScale;`;

/** The entry point of a pass in which each invocation does what `body` says of its `i`, one of `p.invocations`. */
export const perInvocation = (rule: OptimizerRule, scaled: boolean, body: string): string => `
${entry('i', 'p.invocations')}
  ${skips(scaled)}
  ${numbersOf(rule)}
  ${body.trim()}
}`;
