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
        const { buffer, sizes } = planMemory(values);
        values.forEach((a, i) => {
          expect(sizes[buffer[i] as number]).toBeGreaterThanOrEqual(a.bytes);
          values.forEach((b, j) => {
            if (i < j && a.first <= b.last && b.first <= a.last) expect(buffer[i]).not.toBe(buffer[j]);
          });
        });
      }),
    );
  });

  it('reuses the buffers of a long chain', () => {
    const chain = Array.from({ length: 100 }, (_, i) => ({ bytes: 64, first: i, last: i + 1 }));
    expect(planMemory(chain).sizes).toEqual([64, 64]);
  });
});
