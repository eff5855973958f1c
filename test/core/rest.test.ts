import { setTimeout as after } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { restUntil } from '../../packages/core/src/gpu/rest.js';

/** Turns of the event loop while `body` runs, as Dawn makes them. */
async function turnsDuring(body: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let on = true;
  const turn = (): void => {
    turns++;
    if (on) setImmediate(turn);
  };
  setImmediate(turn);
  await body();
  on = false;
  return turns;
}

test('a wait leaves the processor alone, several at once as one', async () => {
  const busy = await turnsDuring(() => after(200));
  const resting = await turnsDuring(() => restUntil(after(200)));
  const several = await turnsDuring(() => Promise.all([restUntil(after(100)), restUntil(after(200, 'second'))]));
  expect(resting).toBeLessThan(1000);
  expect(several).toBeLessThan(1000);
  expect(busy).toBeGreaterThan(10 * resting);
});

test('what was waited for comes through, and the loop is as fast as before afterwards', async () => {
  expect(await restUntil(after(1, 'value'))).toBe('value');
  await expect(restUntil(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
  expect(await turnsDuring(() => after(200))).toBeGreaterThan(5000);
});
