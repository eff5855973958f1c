import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { get, request } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunFolder } from '@initlab/lab';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainConfig } from '../../packages/lab/src/train/train-config.js';
import { type ServedPage, serveRuns } from '../../packages/lab/src/ui/serve.js';
import { withPage } from '../support/browser.js';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();
const many = path.join(root, 'by-hash');
const config = (settings: object) => ({
  experiment: 'train',
  ...trainConfig({ arch: 'resnet20', epochs: 4, ...settings }, { origin: 'test' }),
});
const epoch = (number: number, testAccuracy: number) => ({
  ...{ epoch: number, steps: 4, trainLoss: 2 / number, trainAccuracy: 50, testLoss: 1, testAccuracy, seconds: 1 },
});

/** Folders as a training leaves them, but for their seals, which a list does not look at. */
function makeRuns(count: number): void {
  for (let i = 0; i < count; i++) {
    const folder = path.join(many, i.toString(16).padStart(20, '0'));
    mkdirSync(folder, { recursive: true });
    const settings = config({ seed: i, lr: i % 2 ? 0.1 : 0.05 });
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify(settings));
    writeFileSync(path.join(folder, 'metrics.jsonl'), [1, 2, 3, 4].map((n) => `${JSON.stringify(epoch(n, n + i / 100))}\n`).join(''));
    const last = { testAccuracy: 4 + i / 100, trainLoss: 0.5 };
    const result = { complete: true, diverged: null, epochsDone: 4, seconds: 4, last, best: { epoch: 4, testAccuracy: last.testAccuracy } };
    writeFileSync(path.join(folder, 'result.json'), JSON.stringify({ ...settings, ...result }));
  }
}

let served: ServedPage;
beforeAll(async () => {
  // The page as it stands in the sources.
  const built = spawnSync(process.execPath, [fileURLToPath(new URL('../../scripts/build-page.mjs', import.meta.url))], {
    encoding: 'utf8',
  });
  expect(built.status, built.stderr).toBe(0);
  makeRuns(1000);
  served = await serveRuns({ root, port: 0 });
});
afterAll(() => served.close());

const statusOf = (headers: Record<string, string>, { method = 'GET', at = 'api/runs' } = {}): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(new URL(at, served.url), { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

describe('only this machine’s own page reads', () => {
  const { host } = new URL('http://127.0.0.1:1/');
  it.each([
    ['another name that was pointed here', { host: 'evil.example' }, 403],
    ['the right name with another port', { host }, 403],
    ['a page of another origin', { origin: 'https://evil.example' }, 403],
    ['a page without an origin, such as a file', { origin: 'null' }, 403],
    ['a picture of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    ['a link followed from another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 200],
    ['a program of this machine', {}, 200],
  ] as const)('%s', async (_, headers, status) => {
    expect(await statusOf(headers)).toBe(status);
  });

  it('and nothing is written, or read outside the runs', async () => {
    expect(await statusOf({}, { method: 'POST' })).toBe(405);
    expect(await statusOf({}, { method: 'DELETE' })).toBe(405);
    expect(await statusOf({}, { at: 'api/epochs?run=../../etc/passwd' })).toBe(404);
    expect(await statusOf({}, { at: '../../package.json' })).toBe(404);
    expect(await statusOf({}, { at: 'api/epochs?run=by-hash/00000000000000000000' })).toBe(200);
    expect(await statusOf({ origin: served.url.slice(0, -1) })).toBe(200);
  });

  it('it listens on the loopback address alone, and says what has not changed', async () => {
    expect(new URL(served.url).hostname).toBe('127.0.0.1');
    const headers = await new Promise<Record<string, unknown>>((resolve) =>
      get(new URL('api/runs', served.url), (response) => {
        response.resume();
        resolve(response.headers);
      }),
    );
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(await statusOf({ 'if-none-match': String(headers.etag) })).toBe(304);
  });

  it('a taken port is an error that says what to do', async () => {
    const { status, stderr } = await initlab(['ui', root, '--port', new URL(served.url).port]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^initlab: ui: port \d+ cannot be had; --port takes another/);
  });
});

const rows = (page: Page) => page.locator('[aria-label=runs] tbody tr');
const open = async (page: Page, size: { width: number; height: number }): Promise<void> => {
  await page.setViewportSize(size);
  await page.goto(served.url);
  await rows(page).first().waitFor();
};

it(
  'a thousand runs: filtered, sorted and drawn with the keyboard alone, in a wide and a narrow window',
  () =>
    withPage(async (page) => {
      await open(page, { width: 1280, height: 800 });
      expect(await rows(page).count()).toBe(1000);
      await page.keyboard.press('/');
      await page.keyboard.type('lr=0.1');
      await expect.poll(() => rows(page).count()).toBe(500);
      expect(await page.getByRole('status').textContent()).toContain('500 of 1000 runs');
      await page.locator('th button', { hasText: 'last test' }).focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => rows(page).first().textContent()).toContain('13.99');
      await rows(page).first().focus();
      await page.keyboard.press('Space');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('tr[aria-selected=true]').count()).toBe(2);
      // The two differ in their seeds.
      await expect.poll(() => page.locator('.u-legend').first().textContent()).toMatch(/seed 999.*seed 995/);
      await page.setViewportSize({ width: 380, height: 700 });
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      expect(await page.locator('[aria-label=runs] th', { hasText: 'seed' }).isVisible()).toBe(false);
      expect(await rows(page).first().locator('small').textContent()).toMatch(/seed 999/);
      await expect.poll(() => page.evaluate('document.querySelector(".uplot").clientWidth <= 380')).toBe(true);
      await page.keyboard.press('Escape');
      await expect.poll(() => page.locator('tr[aria-selected=true]').count()).toBe(0);
    }),
  60_000,
);

it(
  'a run that trains is followed, and a server that ended is told of',
  () =>
    withPage(async (page) => {
      const own = path.join(root, 'own');
      const run = await RunFolder.create({ config: config({ seed: 5 }), name: 'live', folder: path.join(own, 'live') });
      run.logMetrics(epoch(1, 20));
      const live = await serveRuns({ root: own, port: 0 });
      await page.goto(live.url);
      await expect.poll(() => rows(page).first().textContent()).toMatch(/running.*20\.00/);
      await rows(page).first().click();
      await page.locator('.uplot').first().waitFor();
      run.logMetrics(epoch(2, 33));
      await expect.poll(() => rows(page).first().textContent(), { timeout: 10_000 }).toMatch(/running.*33\.00/);
      // A line that is being written is no epoch yet.
      appendFileSync(path.join(run.folder, 'metrics.jsonl'), '{"epoch":3,"test');
      await run.finish({ ...run.config, complete: true, diverged: null });
      await expect.poll(() => rows(page).first().getAttribute('data-state'), { timeout: 10_000 }).toBe('complete');
      await live.close();
      await expect.poll(() => page.getByRole('status').textContent(), { timeout: 10_000 }).toContain('does not answer');
    }),
  60_000,
);

it(
  'names from outside are text, whatever is in them',
  () =>
    withPage(async (page) => {
      const own = path.join(root, 'hostile');
      const name = '<img src=x onerror="document.title=1">\u202e%2e%2e';
      const run = await RunFolder.create({
        config: config({ init: './<script>document.title=2</script>.ts' }),
        name,
        folder: path.join(own, name),
      });
      run.logMetrics(epoch(1, 20));
      run.close();
      const live = await serveRuns({ root: own, port: 0 });
      await page.goto(live.url);
      await rows(page).first().waitFor();
      expect(await rows(page).first().textContent()).toContain('<img src=x onerror=');
      await rows(page).first().click();
      await page.locator('.u-legend').first().waitFor();
      expect(await page.title()).toBe('initlab');
      expect(await page.locator('img, #app script').count()).toBe(0);
      await live.close();
    }),
  60_000,
);

it(
  'what was seen inside the nets is drawn by depth, at the first look and at the latest',
  () =>
    withPage(async (page) => {
      const own = path.join(root, 'probed');
      const layer = (name: string, deviation: number | null) => ({
        ...{ name, activation: 'relu', mean: 0.1, deviation, gradientNorm: 0.5, weightNorm: 2, dead: 0.25 },
      });
      for (const [name, init] of [
        ['one', 'kaiming'],
        ['other', 'vanilla'],
      ] as const) {
        // So many that a name of them all is longer than a card is wide.
        const others =
          name === 'one' ? {} : { batchSize: 64, lr: 0.025, weightDecay: 0.001, momentum: 0.5, labelSmoothing: 0.05, cutout: 8 };
        const run = await RunFolder.create({ config: config({ init, ...others }), name, folder: path.join(own, name) });
        for (const step of [0, 50, 100])
          run.logProbe({ step, epoch: 1, layers: [layer('conv1', 1 + step), layer('conv2', 2), layer('fc', null)] });
        run.logMetrics(epoch(1, 20));
        run.close();
      }
      const live = await serveRuns({ root: own, port: 0 });
      const answer = (await (await fetch(new URL('api/probes?run=one', live.url))).json()) as { probes: { step: number }[] };
      expect(answer.probes.map(({ step }) => step)).toEqual([0, 100]);
      expect((await fetch(new URL('api/probes?run=../one', live.url))).status).toBe(404);
      await page.setViewportSize({ width: 1280, height: 1600 });
      await page.goto(live.url);
      await rows(page).first().click();
      await rows(page).nth(1).click();
      const inside = page.getByRole('region', { name: 'inside the nets' });
      await expect
        .poll(() => inside.locator('figcaption').allTextContents())
        .toEqual(['deviation of activations', 'mean of activations', 'gradient norm', 'weight norm', 'dead units %']);
      expect(await inside.locator('.u-legend').first().textContent()).toMatch(/kaiming.*vanilla|vanilla.*kaiming/);
      const right = (selector: string): Promise<number> =>
        page.evaluate(`Math.max(...[...document.querySelectorAll('${selector}')].map((each) => each.getBoundingClientRect().right))`);
      expect(await right('.u-label')).toBeLessThanOrEqual(await right('figure'));
      expect(await inside.textContent()).toContain('at initialisation');
      await inside.getByRole('combobox').selectOption('latest');
      await expect.poll(() => inside.textContent()).toContain('after 100 steps');
      await page.setViewportSize({ width: 380, height: 700 });
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await live.close();
    }),
  60_000,
);
