import { differenceOf, pairedDifference, sampleOf, verdictOf, welchDifference } from '@initlab/lab';
import { describe, expect, it } from 'vitest';

// ResNet-56 on CIFAR-100, seeds 42, 123, 456, as MLS-Bench gives them.
const seeds = [42, 123, 456];
const kaiming = [72.07, 72.49, 71.87];
const fixup = [72.37, 72.88, 72.33];
const bySeed = (values: readonly number[], own = seeds): Map<number, number> => new Map(own.map((s, i) => [s, values[i] as number]));
/** Quantiles of Student's distribution at 0.975, from a printed table: 2 and 4 degrees of freedom. */
const [t2, t4] = [4.302653, 2.776445];

describe('differences between rows', () => {
  it('mean and sample deviation', () => {
    expect(sampleOf(kaiming).mean).toBeCloseTo(72.1433, 4);
    expect(sampleOf(kaiming).std).toBeCloseTo(0.3164, 4);
    expect(sampleOf([5])).toEqual({ mean: 5, count: 1 });
  });

  it('seed by seed: the spread that both share drops out', () => {
    const found = pairedDifference(fixup, kaiming);
    const deviation = Math.sqrt(((0.3 - 0.38333) ** 2 + (0.39 - 0.38333) ** 2 + (0.46 - 0.38333) ** 2) / 2);
    expect(found.mean).toBeCloseTo(0.38333, 4);
    expect(found.interval?.low).toBeCloseTo(0.38333 - (t2 * deviation) / Math.sqrt(3), 4);
    expect(found.interval?.high).toBeCloseTo(0.38333 + (t2 * deviation) / Math.sqrt(3), 4);
    expect(verdictOf(found)).toBe('higher');
    expect(verdictOf(pairedDifference(kaiming, fixup))).toBe('lower');
  });

  it('as two groups the same six runs say nothing: Welch', () => {
    const found = welchDifference(sampleOf(fixup), sampleOf(kaiming));
    const [a, b] = [0.3066 ** 2 / 3, 0.3164 ** 2 / 3];
    // Spreads are nearly equal, so that degrees of freedom are nearly n₁ + n₂ − 2 = 4.
    expect(found.interval?.low).toBeCloseTo(0.38333 - t4 * Math.sqrt(a + b), 2);
    expect(verdictOf(found)).toBe('undecided');
    expect(found.seedsNeeded).toBeGreaterThan(3);
  });

  it('unequal spreads: degrees of freedom by Satterthwaite', () => {
    // Equal sizes n = 3 and variances 1 and 0: (a + b)² / (a² / 2) = 2 degrees.
    const found = welchDifference({ mean: 1, std: 1, count: 3 }, { mean: 0, std: 0, count: 3 });
    expect(found.interval?.high).toBeCloseTo(1 + t2 / Math.sqrt(3), 4);
  });

  it('a single run has no interval and decides nothing', () => {
    const found = welchDifference(sampleOf([80]), sampleOf(kaiming));
    expect(found.interval).toBeUndefined();
    expect(found.seedsNeeded).toBeUndefined();
    expect(verdictOf(found)).toBe('undecided');
  });

  it('two or three runs without any spread decide nothing, four do', () => {
    const [three, four] = [
      [0, 0, 0],
      [0, 0, 0, 0],
    ];
    const lived = (all: readonly number[]): number[] => all.map(() => 100);
    for (const few of [three.slice(1), three]) {
      expect(verdictOf(pairedDifference(lived(few), few))).toBe('undecided');
      expect(verdictOf(welchDifference(sampleOf(lived(few)), sampleOf(few)))).toBe('undecided');
    }
    expect(verdictOf(pairedDifference(lived(four), four))).toBe('higher');
    expect(verdictOf(welchDifference(sampleOf(lived(four)), sampleOf(four)))).toBe('higher');
  });

  it('a run that diverged decides nothing', () => {
    expect(verdictOf(welchDifference(sampleOf([Number.NaN, 70, 71]), sampleOf(kaiming)))).toBe('undecided');
    expect(verdictOf(pairedDifference([Number.NaN, 70, 71], kaiming))).toBe('undecided');
  });

  it('seeds needed: the number at which the power is reached', () => {
    // Difference 0.5, deviation 0.71 in both groups: what three seeds cannot settle (a published example).
    const { seedsNeeded = 0 } = welchDifference({ mean: 0.5, std: 0.71, count: 6 }, { mean: 0, std: 0.71, count: 6 });
    // The normal approximation gives 2 · (1.96 + 0.84)² · 0.71² / 0.5² = 31.7.
    expect(seedsNeeded).toBeGreaterThanOrEqual(32);
    expect(seedsNeeded).toBeLessThanOrEqual(34);
    const none = welchDifference({ mean: 0, std: 1, count: 3 }, { mean: 0, std: 1, count: 3 });
    expect(none.seedsNeeded).toBe(Number.POSITIVE_INFINITY);
  });

  it('pairs where all seeds are shared, else groups', () => {
    expect(differenceOf(bySeed(fixup), bySeed(kaiming)).method).toBe('paired');
    expect(differenceOf(bySeed(fixup), bySeed(kaiming, [1, 2, 3])).method).toBe('welch');
    expect(differenceOf(bySeed(fixup), bySeed(kaiming, [42, 123, 3])).method).toBe('welch');
    // In another order the same pairs.
    const turned = new Map([...bySeed(kaiming)].reverse());
    expect(differenceOf(bySeed(fixup), turned)).toEqual(differenceOf(bySeed(fixup), bySeed(kaiming)));
  });
});
