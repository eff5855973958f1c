import { planSingle, read, readWrite, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { type OptimizerRule, type Rates, rateNames } from './rule.js';
import { ruleThreads } from './rule.wgsl.js';

/**
 * Updates back to which a rule's numbers are given where a loss scaler may have skipped some. Of more that were skipped, those beyond
 * count as if they had been made: a scale has come down from its largest to 1 before.
 */
const recentUpdates = 128;

/**
 * What the host gives where it cannot know how many updates a loss scaler skipped: the rates, then the rule's numbers of the update that
 * would be the `updates`-th, of the one before it, and so on.
 */
export function recentNumbers(
  { numbers }: Pick<OptimizerRule, 'numbers'>,
  { updates, ...rates }: Rates & { readonly updates: number },
): number[] {
  const rows: number[][] = [];
  // Oldest first: a rule may build on what it found for the update before.
  for (let n = Math.max(1, updates - recentUpdates + 1); n <= updates; n++) rows.unshift(Object.values(numbers?.(n) ?? {}));
  const first = rows.at(-1) ?? [];
  while (rows.length < recentUpdates) rows.push(first);
  return [...rateNames.map((name) => rates[name]), ...rows.flat()];
}
/** How many those are. */
export const recentCount = ({ numbers }: Pick<OptimizerRule, 'numbers'>): number =>
  rateNames.length + recentUpdates * Object.keys(numbers?.(1) ?? {}).length;

/** Parameters of a group, from `first` up to `end`, whose updates read `count` numbers (`hyperNames`). */
export interface TakenNumbersProblem {
  readonly first: number;
  readonly end: number;
  readonly count: number;
  /** Whether this update is under a loss scaler; else one before it was. */
  readonly scaled: boolean;
}

/**
 * The numbers of an update under a loss scaler, which counts none that it skipped, and the count of those. Slots: recent
 * (`recentNumbers`), lossScale (`lossScaleNames`), skipped (rw, f32: updates skipped of each parameter of the group), hyper (`hyperNames`).
 * The parameters of the update had the same updates.
 */
export function planTakenNumbers({ first, end, count, scaled }: TakenNumbersProblem, target: Target): Plan {
  const rates = rateNames.length;
  return planSingle('taken-numbers', target, {
    family: 'taken-numbers',
    about: `One workgroup. recent: rates, and the numbers of an update by how many were skipped before it.
Barrier: all have read how many before an invocation counts one more.`,
    key: { scaled },
    bindings: [read('recent'), readWrite('skipped'), readWrite('hyper'), ...(scaled ? [read('lossScale')] : [])],
    scalars: u32s({ first, end, rates, numbers: count - rates, last: recentUpdates - 1 }),
    bake: 'passed',
    workgroups: [1, 1, 1],
    code: ({ scaled }) => `
@compute @workgroup_size(${ruleThreads})
fn main(@builtin(local_invocation_index) lane: u32) {
  let back = min(u32(skipped[p.first]), p.last);
  for (var i = lane; i < p.rates + p.numbers; i += ${ruleThreads}u) { hyper[i] = recent[select(i, i + back * p.numbers, i >= p.rates)]; }
  storageBarrier();
  ${scaled ? `if (lossScale[2] != 0.0) { for (var i = p.first + lane; i < p.end; i += ${ruleThreads}u) { skipped[i] += 1.0; } }` : ''}
}`,
  });
}
