import { describe, expect, it } from 'vitest';
import { bundleForBrowser, runInBrowser } from '../support/browser.js';
import { run } from './train-steps.js';

describe('in a browser', () => {
  it('trains as in Node', async () => {
    const entry = new URL('./train-steps.ts', import.meta.url).pathname;
    const page = await runInBrowser(await bundleForBrowser(entry), { timeoutMs: 200_000 });
    const [there, here] = [page.result as Awaited<ReturnType<typeof run>>, await run()];
    expect(there.losses).toHaveLength(20);
    // Two software drivers, other orders of summation: rounding, and 20 steps to amplify it.
    there.losses.forEach((loss, i) => {
      expect(Math.abs(loss - (here.losses[i] as number))).toBeLessThan(1e-3 * Math.max(1, here.losses[0] as number));
    });
    there.gradient.forEach((g, i) => {
      expect(Math.abs(g - (here.gradient[i] as number))).toBeLessThan(1e-3);
    });
    expect(here.losses[19]).toBeLessThan(here.losses[0] as number);
  }, 300_000);
});
