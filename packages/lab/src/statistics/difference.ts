/// <reference path="./jstat.d.ts" />
import { InitlabError } from '@initlab/core';
import jstat from 'jstat';
import { type Sample, sampleOf } from './sample.js';

/** Intervals hold with this probability. */
export const confidence = 0.95;
/** A difference counts as findable when so many of the experiments that look for it would find it. */
export const power = 0.8;
/** Numbers of seeds beyond this are told as "more than". */
export const mostSeeds = 10_000;

/**
 * Runs without any spread say something only when there are as many: accuracies are whole images, shares of runs 0 or 1, so a
 * few are equal by chance. Of 4 that all lived against 4 that all died Fisher's exact test says 3 %, of 3 against 3 10 %.
 */
const leastWithoutSpread = 4;

/** A difference between two rows, and what can be said of it. */
export interface Difference {
  /** First minus second, in the metric's unit. */
  readonly mean: number;
  /** The interval of 95 % confidence; absent where a spread is not known. */
  readonly interval?: { readonly low: number; readonly high: number };
  /** `paired`: seed by seed, for runs that share their seeds; `welch`: two groups of unequal spread. */
  readonly method: 'paired' | 'welch';
  /** Pairs, or runs of the smaller group. */
  readonly count: number;
  /**
   * Seeds a row at which a difference of this size would be found in four of five tries, given the spread seen; `Infinity`
   * beyond `mostSeeds`. Absent where a spread is not known.
   */
  readonly seedsNeeded?: number;
}

/** What an interval allows to say of "first is higher than second". */
export type Verdict = 'higher' | 'lower' | 'undecided';

/** `higher` or `lower` only when the whole interval says so. */
export function verdictOf({ interval }: Difference): Verdict {
  if (!interval) return 'undecided';
  return interval.low > 0 ? 'higher' : interval.high < 0 ? 'lower' : 'undecided';
}

/**
 * Welch's interval for the difference of two means whose groups have spreads of their own (Welch 1947; Satterthwaite's
 * degrees of freedom). Without a spread on either side there is no interval.
 */
export function welchDifference(first: Sample, second: Sample): Difference {
  const mean = first.mean - second.mean;
  const count = Math.min(first.count, second.count);
  const method = 'welch';
  if (first.std === undefined || second.std === undefined || !Number.isFinite(mean)) return { mean, method, count };
  const [a, b] = [first.std ** 2 / first.count, second.std ** 2 / second.count];
  const error = Math.sqrt(a + b);
  if (error === 0 && count < leastWithoutSpread) return { mean, method, count };
  // Two groups without any spread: the difference is exact as far as they can tell.
  const degrees = error === 0 ? Number.POSITIVE_INFINITY : (a + b) ** 2 / (a ** 2 / (first.count - 1) + b ** 2 / (second.count - 1));
  const half = error === 0 ? 0 : quantile((1 + confidence) / 2, degrees) * error;
  const seedsNeeded = seedsFor(mean, { variance: first.std ** 2 + second.std ** 2, degreesOf: (n) => 2 * (n - 1) });
  return { mean, interval: { low: mean - half, high: mean + half }, method, count, seedsNeeded };
}

/** Student's interval for the mean of the differences seed by seed. Both lists are in the order of their common seeds. */
export function pairedDifference(first: readonly number[], second: readonly number[]): Difference {
  if (first.length !== second.length)
    throw new InitlabError(`pairedDifference: ${first.length} values beside ${second.length}; give those of the seeds that both have`);
  const { mean, std, count } = sampleOf(first.map((value, i) => value - (second[i] as number)));
  const unknown = std === undefined || (std === 0 && count < leastWithoutSpread);
  if (unknown || !Number.isFinite(mean)) return { mean, method: 'paired', count };
  const half = std === 0 ? 0 : (quantile((1 + confidence) / 2, count - 1) * std) / Math.sqrt(count);
  const seedsNeeded = seedsFor(mean, { variance: std ** 2, degreesOf: (n) => n - 1 });
  return { mean, interval: { low: mean - half, high: mean + half }, method: 'paired', count, seedsNeeded };
}

/** Values of runs by their seed. */
export type BySeed = ReadonlyMap<number, number>;

/** Paired over the seeds that both have, where there are two or more of them and none is left over; else Welch's. */
export function differenceOf(first: BySeed, second: BySeed): Difference {
  const common = [...first.keys()].filter((seed) => second.has(seed));
  const all = common.length === first.size && common.length === second.size;
  if (common.length >= 2 && all)
    return pairedDifference(
      common.map((s) => first.get(s) as number),
      common.map((s) => second.get(s) as number),
    );
  return welchDifference(sampleOf([...first.values()]), sampleOf([...second.values()]));
}

/**
 * The smallest number of seeds n for which |difference| ≥ (t₁ + t₂) · √(variance / n), with t₁ the two-sided quantile of the
 * confidence and t₂ that of the power: the usual approximation of the non-central t distribution.
 */
function seedsFor(difference: number, { variance, degreesOf }: { variance: number; degreesOf: (n: number) => number }): number {
  if (variance === 0) return difference === 0 ? Number.POSITIVE_INFINITY : 2;
  const enough = (n: number): boolean => {
    const degrees = degreesOf(n);
    const needed = quantile((1 + confidence) / 2, degrees) + quantile(power, degrees);
    return Math.abs(difference) >= needed * Math.sqrt(variance / n);
  };
  if (!enough(mostSeeds)) return Number.POSITIVE_INFINITY;
  let [low, high] = [1, mostSeeds];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (middle >= 2 && enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

const quantile = (p: number, degrees: number): number => jstat.studentt.inv(p, degrees);
