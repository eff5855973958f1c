import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { createModel } from '@initlab/models';
import { listInitializers, listNorms } from '@initlab/nn';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inits, namesOf, nets, norms } from '../../apps/playground/src/choices.js';
import { defaultSettings, fromHash, most, type Settings, toHash } from '../../apps/playground/src/settings.js';
import { sceneOf, stories } from '../../apps/playground/src/stories.js';
import { temporaryFolder } from '../lab/fixtures.js';
import { chromiumProgram, withPage } from '../support/browser.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { labChecksum, ready, small, status } from './playground-fixtures.js';
import { playgroundFiles, servePlayground } from './served-playground.js';

const root = temporaryFolder();
const device = defaultDeviceOfTests();
let served: Awaited<ReturnType<typeof servePlayground>>;
beforeAll(async () => {
  served = await servePlayground();
});
afterAll(() => served.close());

const open = async (page: Page, settings: Settings): Promise<void> => {
  await page.goto(`${served.url}#${toHash(settings)}`);
};

it('every scene is found again by its settings, and links to it hold', () => {
  for (const story of stories)
    for (const scene of story.scenes) {
      expect(sceneOf(scene.settings)?.scene).toBe(scene);
      expect(fromHash(toHash(scene.settings))).toEqual({ settings: scene.settings, faults: [] });
    }
});

describe('settings in a link', () => {
  it('come back as they were', () => {
    const settings: Settings = { ...small, b: { ...small.b, lr: 1e-3 }, code: { init: 'export const a = "b=c&d";\n', norm: 'x' } };
    expect(fromHash(`#${toHash(settings)}`)).toEqual({ settings, faults: [] });
    expect(fromHash('')).toEqual({ settings: defaultSettings, faults: [] });
  });

  it('that cannot be are told of, and the usual ones taken', () => {
    const { settings, faults } = fromHash('#a=resnet9,kaiming,none,-1&batch=many');
    expect(settings.a).toEqual({ ...defaultSettings.a, init: 'kaiming', norm: 'none' });
    expect(faults).toEqual([
      'there is no net “resnet9”',
      'learning rate “-1” is not between 0 and 100',
      'batch “many” is not between 1 and 256',
    ]);
  });
});

it('the menus have every initialisation and norm of the library, and nets that there are', () => {
  expect(namesOf(inits).sort()).toEqual(
    listInitializers()
      .map(({ name }) => name)
      .sort(),
  );
  expect(namesOf(norms).sort()).toEqual(
    listNorms()
      .map(({ name }) => name)
      .sort(),
  );
  for (const net of namesOf(nets).filter((name) => !/1000|110|56/.test(name))) createModel(net, { device: device() }).dispose();
});

it('what the first view loads is below 250 KB compressed, the images aside; the transpiler is not among it', () => {
  const first = new Set(['index.html', 'page.css', 'page.js', 'training-worker.js']);
  // Grows while it is walked.
  for (const name of first)
    if (name.endsWith('.js'))
      for (const [, part] of readFileSync(path.join(playgroundFiles, name), 'utf8').matchAll(/(?:from|import)"\.\/([^"]+)"/g))
        first.add(part!);
  const size = (names: Iterable<string>): number =>
    [...names].reduce((sum, name) => sum + gzipSync(readFileSync(path.join(playgroundFiles, name)), { level: 9 }).length, 0);
  expect(size(first)).toBeLessThan(250_000);
  expect(size(first)).toBeGreaterThan(150_000);
  const later = readdirSync(playgroundFiles).filter((name) => name.endsWith('.js') && !first.has(name));
  expect(size(later)).toBeGreaterThan(30_000);
});

describe.skipIf(!chromiumProgram)(chromiumProgram ? 'in a browser' : 'in a browser (skipped: there is no Chromium)', () => {
  it('two nets train side by side from the weights that initlab train has, and a lost device is told of', async () => {
    const a = await labChecksum(small, { root, device: device() });
    await withPage(
      async (page) => {
        await open(page, small);
        const numbers = (side: 'a' | 'b') => page.locator(`.numbers[data-side=${side}]`).textContent();
        await ready(page);
        expect(await numbers('a')).toContain(a.slice(0, 8));
        expect(await numbers('b')).not.toContain(a.slice(0, 8));
        // What is inside is there before the first step.
        expect(await page.locator('.strip canvas').first().getAttribute('aria-label')).toMatch(/^A: \d+ % of channels dead/);
        await page.getByRole('button', { name: 'Step' }).click();
        await expect.poll(() => status(page).textContent()).toMatch(/^ready, step 1 /);
        await page.getByRole('button', { name: 'Start' }).click();
        await expect.poll(() => status(page).textContent(), { timeout: 30_000 }).toMatch(/^training, step ([3-9]|\d\d) /);
        const [ours, theirs] = [await numbers('a'), await numbers('b')];
        expect(ours).toMatch(/^loss \d+\.\d+, accuracy \d+ %$/);
        expect(theirs).toMatch(/^loss \d+\.\d+, accuracy \d+ %$/);
        expect(ours).not.toBe(theirs);
        // What is being typed stays while the page is drawn anew with every step.
        const typedAt = await stepOf(page);
        await page.getByLabel('seed').fill('17');
        await expect.poll(() => stepOf(page)).toBeGreaterThan(typedAt + 2);
        expect(await page.getByLabel('seed').inputValue()).toBe('17');
        await page.getByLabel('seed').fill(String(small.seed));
        // A page that nobody sees rests.
        await setHidden(page, true);
        const rested = await stillStep(page);
        expect(await status(page).textContent()).toContain(`training, step ${rested} `);
        await setHidden(page, false);
        await expect.poll(() => stepOf(page)).toBeGreaterThan(rested);
        const session = await page.context().browser()!.newBrowserCDPSession();
        await session.send('Browser.crashGpuProcess').catch(() => undefined);
        await expect.poll(() => page.getByRole('alert').textContent()).toContain('The GPU device went away');
        await expect(page.getByRole('button', { name: 'Begin again' }).isVisible()).resolves.toBe(true);
      },
      { webgpu: true },
    );
  }, 120_000);

  it(
    'the controls change the link, the link sets the controls, a narrow window holds them, and axe finds nothing serious, light or dark',
    () =>
      withPage(
        async (page) => {
          await page.setViewportSize({ width: 390, height: 800 });
          await open(page, small);
          const a = page.getByRole('region', { name: 'run A' });
          expect(await a.getByLabel('net').inputValue()).toBe('mlp8-64');
          expect(await a.getByLabel('learning rate').inputValue()).toBe('0.05');
          await a.getByLabel('initialisation').selectOption('zero');
          await page.getByLabel('seed').fill('8');
          await page.keyboard.press('Enter');
          await expect
            .poll(() => fromHash(new URL(page.url()).hash).settings)
            .toEqual({ ...small, a: { ...small.a, init: 'zero' }, seed: 8 });
          await page.evaluate(`location.hash = ${JSON.stringify(toHash({ ...small, batchSize: 4 }))}`);
          await expect.poll(() => page.getByLabel('images per step').inputValue()).toBe('4');
          expect(await a.getByLabel('initialisation').inputValue()).toBe('kaiming-fan-in');
          expect(await page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth')).toBe(true);
          // Where the story says to press it, and where the curves are.
          for (const at of ['0', 'document.body.scrollHeight']) {
            await page.evaluate(`scrollTo(0, ${at})`);
            expect((await page.getByRole('button', { name: 'Start', exact: true }).boundingBox())?.y).toBeLessThan(780);
          }
          for (const kind of ['an initialisation', 'a norm']) await page.getByRole('button', { name: `Write ${kind}` }).click();
          await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
          for (const colorScheme of ['light', 'dark'] as const) {
            await page.emulateMedia({ colorScheme });
            const serious = `({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')`;
            expect(await page.evaluate(`axe.run().then(${serious})`)).toEqual([]);
          }
        },
        { webgpu: true },
      ),
    60_000,
  );

  it(
    'what is not there is said: a net without norms has no γ, weights that are lost no number',
    () =>
      withPage(
        async (page) => {
          await open(page, { ...small, a: { ...small.a, lr: most.lr } });
          await ready(page);
          expect(await page.getByText('has none').count()).toBe(2);
          const filters = page.getByText('first filters');
          expect(await filters.textContent()).not.toContain('finite');
          await page.getByRole('button', { name: 'Start', exact: true }).click();
          await expect.poll(() => filters.textContent(), { timeout: 50_000 }).toMatch(/, (black|white) no finite number$/);
        },
        { webgpu: true },
      ),
    120_000,
  );

  it(
    'a story sets both runs and says what to watch',
    () =>
      withPage(
        async (page) => {
          await page.goto(served.url);
          const watch = page.getByRole('list', { name: 'what to watch' });
          expect(await watch.textContent()).toContain('every weight at zero');
          const init = page.getByRole('region', { name: 'run A' }).getByLabel('initialisation');
          expect(await init.inputValue()).toBe('zero');
          await page.getByRole('button', { name: 'Vanishing', exact: true }).focus();
          await page.keyboard.press('Enter');
          await expect.poll(() => watch.textContent()).toContain('A’s shrink by about √2 a layer');
          const [, depth] = stories;
          await expect.poll(() => fromHash(new URL(page.url()).hash).settings).toEqual(depth?.scenes[0]?.settings);
          await page.getByRole('button', { name: 'Next: Exploding' }).click();
          await expect.poll(() => init.inputValue()).toBe('random');
          expect(await page.getByRole('region', { name: 'continue in the lab' }).textContent()).toContain(
            'npx initlab train --arch mlp20-64 --dataset fashion-mnist-sample --init random --norm none --lr 0.01 --batch 32 --seed 42',
          );
        },
        { webgpu: true },
      ),
    60_000,
  );

  it(
    'without WebGPU, and without an adapter for it, the page says what to do',
    () =>
      withPage(async (page) => {
        await open(page, small);
        await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/hardware acceleration|has no WebGPU/);
        await page.addInitScript('delete Navigator.prototype.gpu');
        await page.goto('about:blank');
        await open(page, small);
        await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/has no WebGPU. Use a current Chrome/);
      }),
    60_000,
  );
});

const stepOf = async (page: Page): Promise<number> => Number((await status(page).textContent())?.match(/step (\d+)/)?.[1]);

/** The step at which a training rests: no other within a second. */
async function stillStep(page: Page): Promise<number> {
  for (;;) {
    const before = await stepOf(page);
    await page.waitForTimeout(1000);
    if ((await stepOf(page)) === before) return before;
  }
}

/** As where the person looks at another tab. */
const setHidden = (page: Page, hidden: boolean): Promise<void> =>
  page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));`);
