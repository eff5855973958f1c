import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Settings, toHash } from '../../apps/playground/src/settings.js';
import { firefoxProgram, inFirefox } from '../support/firefox.js';
import { small } from './playground-fixtures.js';
import { servePlayground } from './served-playground.js';

let served: Awaited<ReturnType<typeof servePlayground>>;
beforeAll(async () => {
  served = await servePlayground();
});
afterAll(() => served.close());

const convolutions: Settings = {
  ...small,
  a: { net: 'cnn8-16', init: 'kaiming', norm: 'batch', lr: 0.05 },
  b: { net: 'cnn8-16', init: 'lecun', norm: 'batch', lr: 0.05 },
  batchSize: 8,
};

/** Waits for both nets, takes steps, and answers what the page says of each of them. */
const train = (steps: number): string => `
  const page = frame.document;
  const status = () => page.querySelector('[role=status]')?.textContent ?? '';
  const until = async (what) => {
    for (let last; !what.test(status()); await new Promise((resolve) => setTimeout(resolve, 50))) {
      const alert = page.querySelector('[role=alert]')?.textContent;
      if (alert) throw new Error(alert);
      if (status() !== last) seen((last = status()));
    }
  };
  const press = (name) => [...page.querySelectorAll('button')].find((button) => button.textContent.trim() === name).click();
  await until(/^ready, step 0 /);
  const adapter = status();
  for (let step = 1; step <= ${steps}; step++) {
    press('Step');
    await until(new RegExp('^ready, step ' + step + ' '));
  }
  const numbers = (side) => page.querySelector('.numbers[data-side=' + side + ']').textContent;
  return { adapter, a: numbers('a'), b: numbers('b') };
`;

/** Firefox's WebGPU is another than Chromium's: wgpu, whose compiler is naga. */
it.skipIf(!firefoxProgram).each<{ nets: string; settings: Settings; steps: number }>([
  { nets: 'linear nets', settings: small, steps: 2 },
  { nets: 'convolutions with batch norm', settings: convolutions, steps: 1 },
])(
  firefoxProgram ? '$nets train in a real Firefox' : '$nets train in a real Firefox (skipped: there is none)',
  async ({ settings, steps }) => {
    const told = await inFirefox({ site: served.url, hash: `#${toHash(settings)}`, script: train(steps), timeoutMs: 400_000 });
    const { a, b } = told as { a: string; b: string };
    expect(a).toMatch(/^loss \d+\.\d+, accuracy \d+ %$/);
    expect(b).toMatch(/^loss \d+\.\d+, accuracy \d+ %$/);
    expect(a).not.toBe(b);
  },
  450_000,
);
