import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { loadDataset } from '@initlab/data/node';
import { createModel } from '@initlab/models';
import { listInitializers, listNorms } from '@initlab/nn';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inits, namesOf, nets, norms } from '../../apps/playground/src/choices.js';
import { labCommand, ownFile } from '../../apps/playground/src/lab-command.js';
import { codeKinds, defaultSettings, fromHash, type Settings, toHash } from '../../apps/playground/src/settings.js';
import { ownNormTemplate, ownTemplate } from '../../apps/playground/src/own-template.js';
import { sceneOf, stories } from '../../apps/playground/src/stories.js';
import { weightsChecksum } from '../../apps/playground/src/weights-checksum.js';
import { chooseInitializer, chooseNorm } from '../../packages/lab/src/plugins/index.js';
import { trainConfig, trainConfigSchema } from '../../packages/lab/src/train/train-config.js';
import { Training } from '../../packages/lab/src/train/training.js';
import { chromiumProgram, withPage } from '../support/browser.js';
import { initlab } from '../support/cli.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { temporaryFolder } from '../lab/fixtures.js';
import { playgroundFiles, servePlayground } from './served-playground.js';

const root = temporaryFolder();
const device = defaultDeviceOfTests();
let served: Awaited<ReturnType<typeof servePlayground>>;
beforeAll(async () => {
  served = await servePlayground();
});
afterAll(() => served.close());

/** Two small nets: their kernels are soon compiled. */
const small: Settings = {
  ...defaultSettings,
  a: { net: 'mlp8-64', init: 'kaiming-fan-in', norm: 'none', lr: 0.05 },
  b: { net: 'mlp8-64', init: 'lecun', norm: 'none', lr: 0.05 },
  batchSize: 16,
  seed: 7,
};
const status = (page: Page) => page.getByRole('status');
const open = async (page: Page, settings: Settings): Promise<void> => {
  await page.goto(`${served.url}#${toHash(settings)}`);
};
const ready = (page: Page): Promise<void> => expect.poll(() => status(page).textContent(), { timeout: 100_000 }).toMatch(/^ready, step 0/);

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
    const a = await labChecksum(small);
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
        // A page that nobody sees rests.
        await setHidden(page, true);
        const rested = await stillStep(page);
        expect(await status(page).textContent()).toContain(`training, step ${rested} `);
        await setHidden(page, false);
        await expect.poll(() => stepOf(page), { timeout: 20_000 }).toBeGreaterThan(rested);
        const session = await page.context().browser()!.newBrowserCDPSession();
        await session.send('Browser.crashGpuProcess').catch(() => undefined);
        await expect.poll(() => page.getByRole('alert').textContent(), { timeout: 20_000 }).toContain('The GPU device went away');
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

  it('an initialisation of one’s own: errors at their line, what hangs is stopped, and the lab makes the same weights of it', async () => {
    const code = { init: 'throw new Error("not asked for");', norm: '' };
    const settings: Settings = { ...small, a: { ...small.a, init: 'own' }, code };
    const passing: Settings = { ...settings, code: { ...code, init: ownTemplate } };
    const a = await labChecksum(passing);
    await withPage(
      async (page) => {
        await open(page, settings);
        const editor = page.getByRole('region', { name: 'your own initialisation' });
        const use = editor.getByRole('button', { name: 'use it in A' });
        const fault = editor.locator('.fault');
        // What came with a link does not run by itself.
        await expect.poll(() => editor.getByRole('alert').textContent()).toContain('This link brings an initialisation');
        expect(await page.getByRole('button', { name: 'Start' }).isDisabled()).toBe(true);
        const write = async (code: string): Promise<void> => {
          await editor.getByLabel('code').fill(code);
          await use.click();
        };
        await write('export function initializeWeights() {\n  let x = ;\n}\n');
        await expect.poll(() => fault.textContent()).toMatch(/^Line 2: Unexpected token/);
        await write('export function initializeWeights(model: object) {\n\n  model.none();\n}\n');
        await expect.poll(() => fault.textContent(), { timeout: 20_000 }).toMatch(/^Line 3: model.none is not a function/);
        expect(await editor.locator('.wrong').textContent()).toBe('3\n');
        await write('export function initializeWeights() {\n  for (;;);\n}\n');
        await expect.poll(() => fault.textContent(), { timeout: 20_000 }).toContain('it did not end within 2 seconds');
        await write(ownTemplate);
        await ready(page);
        expect(await page.locator('.numbers[data-side=a]').textContent()).toContain(a.slice(0, 8));
        expect(fromHash(new URL(page.url()).hash).settings).toEqual(passing);
      },
      { webgpu: true },
    );
  }, 120_000);

  it('a norm of one’s own: tried, trained with, taken by the lab; where it hangs in training, both runs begin again without it', async () => {
    const settings: Settings = { ...small, a: { ...small.a, norm: 'own' }, code: { init: '', norm: ownNormTemplate } };
    const a = await labChecksum(settings);
    await withPage(
      async (page) => {
        await open(page, small);
        await page.getByRole('button', { name: 'Write a norm' }).click();
        const editor = page.getByRole('region', { name: 'your own norm' });
        const fault = editor.locator('.fault');
        const write = async (code: string): Promise<void> => {
          await editor.getByLabel('code').fill(code);
          await editor.getByRole('button', { name: 'use it in A' }).click();
        };
        await write(ownNormTemplate.replace('mean(square(x)', 'x.none(square(x)'));
        await expect.poll(() => fault.textContent(), { timeout: 20_000 }).toMatch(/^Line 17: x.none is not a function/);
        await write(ownNormTemplate.replace('return add(', 'return reshape(x, [x.size]); add('));
        await expect.poll(() => fault.textContent(), { timeout: 20_000 }).toMatch(/it got \[2, 16, 4, 4\] and returned \[512\]/);
        await write(ownNormTemplate);
        // Until it has passed, the race before it stands there ready.
        await expect.poll(() => page.locator('.numbers[data-side=a]').textContent(), { timeout: 60_000 }).toContain(a.slice(0, 8));
        await ready(page);
        expect(fromHash(new URL(page.url()).hash).settings).toEqual(settings);
        await page.getByRole('button', { name: 'Step' }).click();
        await expect.poll(() => status(page).textContent()).toMatch(/^ready, step 1 /);
        // Two images are all that it is tried with.
        await write(ownNormTemplate.replace('const power', 'while (x.shape[0] !== 2);\n    const power'));
        await expect
          .poll(() => page.getByRole('alert').textContent(), { timeout: 30_000 })
          .toContain('Your own norm did not end in training');
        await ready(page);
        expect(fromHash(new URL(page.url()).hash).settings.a).toEqual({ ...small.a, norm: 'batch' });
        expect(await editor.getByLabel('code').inputValue()).toContain('while (x.shape[0] !== 2)');
      },
      { webgpu: true },
    );
  }, 120_000);

  it(
    'without WebGPU, and without an adapter for it, the page says what to do',
    () =>
      withPage(async (page) => {
        await open(page, small);
        await expect.poll(() => page.getByRole('alert').textContent(), { timeout: 20_000 }).toMatch(/hardware acceleration|has no WebGPU/);
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

/** Checksum of A's weights as the command that the page offers makes them. */
async function labChecksum(settings: Settings): Promise<string> {
  const out = path.join(mkdtempSync(path.join(root, 'run-')), 'run');
  for (const kind of codeKinds) writeFileSync(path.join(root, ownFile[kind]), settings.code[kind]);
  const args = labCommand(settings, 'a').split(' ').slice(2);
  const { status, stderr } = await initlab([...args, '--max-steps', '1', '--limit', '32', '--quiet', '--out', out], { cwd: root });
  expect(status, stderr).toBe(0);
  const stored = Object.entries(JSON.parse(readFileSync(path.join(out, 'config.json'), 'utf8')));
  const config = trainConfig(Object.fromEntries(stored.filter(([name]) => name in trainConfigSchema.shape)), { origin: 'test' });
  const dataset = await loadDataset(config.dataset);
  const file = (name: string): string => (name.startsWith('./') ? path.join(root, name) : name);
  const [initializer, norm] = [await chooseInitializer(file(config.init)), await chooseNorm(file(config.norm))];
  const parts = { config, dataset, device: device(), initializer, norm };
  const training = await Training.create(parts);
  const checksum = await weightsChecksum(training.model);
  training.dispose();
  return checksum;
}
