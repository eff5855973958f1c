import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planMemory } from '../../packages/core/src/compile/memory-plan.js';

const lifetime = fc
  .tuple(fc.integer({ min: 1, max: 1000 }), fc.nat(40), fc.nat(10))
  .map(([bytes, first, length]) => ({ bytes, first, last: first + length }));

describe('planMemory', () => {
  it('never gives one buffer to two values that exist at the same step, and every buffer is large enough', () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 60 }), (values) => {
        const buffers = planMemory(values);
        expect(buffers.flatMap((buffer) => buffer.values)).toHaveLength(values.length);
        for (const { bytes, values: inside } of buffers)
          inside.forEach((a, i) => {
            expect(values).toContain(a);
            expect(bytes).toBeGreaterThanOrEqual(a.bytes);
            for (const b of inside.slice(i + 1)) expect(a.first <= b.last && b.first <= a.last).toBe(false);
          });
      }),
    );
  });

  it('reuses the buffers of a long chain', () => {
    const chain = Array.from({ length: 100 }, (_, i) => ({ bytes: 64, first: i, last: i + 1 }));
    expect(planMemory(chain).map(({ bytes }) => bytes)).toEqual([64, 64]);
  });
});
