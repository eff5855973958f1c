import { f32, type Scalars } from '../kernel.js';
import { hyperNames, type OptimizerRule } from './rule.js';

// The text around an optimiser's formulas, which all of its kernels share.

/** Invocations of a workgroup. */
export const ruleThreads = 64;

export const constantsOf = ({ constants }: OptimizerRule): Scalars =>
  Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, f32(value)]));
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
@compute @workgroup_size(${ruleThreads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${ruleThreads}u + lane;
  if (i >= p.invocations) { return; }
  ${skips(scaled)}
  ${numbersOf(rule)}
  ${body.trim()}
}`;
