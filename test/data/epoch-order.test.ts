import { batchCount, batchesOf, epochOrder, sequentialOrder, shuffledOrder } from '@initlab/data';
import fc from 'fast-check';
import { expect, it } from 'vitest';

/** A small generator, enough to test with. */
const source = (seed: number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
};

it('shuffles to a permutation that depends on the stream alone', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer(), (count, seed) => {
      const order = shuffledOrder(count, source(seed));
      expect([...order].sort((a, b) => a - b)).toEqual([...sequentialOrder(count)]);
      expect(shuffledOrder(count, source(seed))).toEqual(order);
    }),
  );
});

it('makes every order of three equally likely', () => {
  const next = source(7);
  const seen = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const key = shuffledOrder(3, next).join('');
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  expect(seen.size).toBe(6);
  // Standard deviation of a count is 29; five of them.
  for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

it('throws biased draws away', () => {
  const draws = [0xffffffff, 4];
  // 2³² mod 3 is 1, so the largest draw is not fair for a bound of 3; 4 mod 3 = 1, then a bound of 2 sees 0.
  expect([...shuffledOrder(3, () => draws.shift() ?? 0)]).toEqual([2, 0, 1]);
});

it('gives every epoch of a seed an order of its own, the same whenever it is asked for', () => {
  const order = epochOrder(1000, { seed: 3, epoch: 5 });
  expect(epochOrder(1000, { seed: 3, epoch: 5 })).toEqual(order);
  expect(epochOrder(1000, { seed: 3, epoch: 6 })).not.toEqual(order);
  expect(epochOrder(1000, { seed: 4, epoch: 5 })).not.toEqual(order);
  expect([...order].sort((a, b) => a - b)).toEqual([...sequentialOrder(1000)]);
  expect(epochOrder(4, { seed: 3, epoch: 5, shuffle: false })).toEqual(sequentialOrder(4));
});

it('cuts an order into batches with a smaller last one', () => {
  const cut = (dropLast: boolean) => [...batchesOf(sequentialOrder(10), { batchSize: 4, dropLast })].map((b) => [...b]);
  expect(cut(false)).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  expect(cut(true)).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]);
  expect([batchCount(10, { batchSize: 5 }), batchCount(3, { batchSize: 5 }), batchCount(3, { batchSize: 5, dropLast: true })]).toEqual([
    2, 1, 0,
  ]);
  expect(() => batchCount(3, { batchSize: 0 })).toThrow(/batchSize 0/);
});
