import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownNormTemplate, ownTemplate } from '../../apps/playground/src/own-template.js';
import { fromHash, type Settings, toHash } from '../../apps/playground/src/settings.js';
import { temporaryFolder } from '../lab/fixtures.js';
import { chromiumProgram, withPage } from '../support/browser.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { labChecksum, ready, small, status } from './playground-fixtures.js';
import { servePlayground } from './served-playground.js';

const root = temporaryFolder();
const device = defaultDeviceOfTests();
let served: Awaited<ReturnType<typeof servePlayground>>;
beforeAll(async () => {
  served = await servePlayground();
});
afterAll(() => served.close());

describe.skipIf(!chromiumProgram)(chromiumProgram ? 'in a browser' : 'in a browser (skipped: there is no Chromium)', () => {
  it('an initialisation of one’s own: errors at their line, what hangs is stopped, and the lab makes the same weights of it', async () => {
    const code = { init: 'throw new Error("not asked for");', norm: '' };
    const settings: Settings = { ...small, a: { ...small.a, init: 'own' }, code };
    const passing: Settings = { ...settings, code: { ...code, init: ownTemplate } };
    const a = await labChecksum(passing, { root, device: device() });
    await withPage(
      async (page) => {
        await page.goto(`${served.url}#${toHash(settings)}`);
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
        await expect.poll(() => fault.textContent()).toMatch(/^Line 3: model.none is not a function/);
        expect(await editor.locator('.wrong').textContent()).toBe('3\n');
        await write('export function initializeWeights() {\n  for (;;);\n}\n');
        await expect.poll(() => fault.textContent()).toContain('it did not end within 2 seconds');
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
    const a = await labChecksum(settings, { root, device: device() });
    await withPage(
      async (page) => {
        await page.goto(`${served.url}#${toHash(small)}`);
        await page.getByRole('button', { name: 'Write a norm' }).click();
        const editor = page.getByRole('region', { name: 'your own norm' });
        const fault = editor.locator('.fault');
        const write = async (code: string): Promise<void> => {
          await editor.getByLabel('code').fill(code);
          await editor.getByRole('button', { name: 'use it in A' }).click();
        };
        await write(ownNormTemplate.replace('mean(square(x)', 'x.none(square(x)'));
        await expect.poll(() => fault.textContent()).toMatch(/^Line 17: x.none is not a function/);
        await write(ownNormTemplate.replace('return add(', 'return reshape(x, [x.size]); add('));
        await expect.poll(() => fault.textContent()).toMatch(/it got \[2, 16, 4, 4\] and returned \[512\]/);
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
});
