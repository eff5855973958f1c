import { describe, expect, it } from 'vitest';
import { deepStep } from '../../bench/deep-wrn.js';

describe('a very deep net', () => {
  // Twenty times as deep takes twenty times as long: bench/deep-wrn.ts runs it, docs/performance.md has its figures.
  it('502 layers build, compile and take a training step, with a twentieth of the memory of 10,000', async () => {
    const { loss, peakBytes } = await deepStep(502);
    expect(loss).toBeGreaterThan(1);
    expect(loss).toBeLessThan(10);
    expect(peakBytes).toBeLessThan(0.2 * 2 ** 30);
  }, 300_000);
});
