import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  bandSpec,
  findTable,
  type Outcome,
  partResult,
  planTable,
  type RunState,
  renderChart,
  type SweepSpec,
  sweepTable,
  tableFigures,
  writeTableReport,
} from '@initlab/lab';
import { beforeAll, describe, expect, it } from 'vitest';
import { withPage } from '../support/browser.js';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();
const epoch = (number: number, testAccuracy: number) => ({
  ...{ epoch: number, steps: 4, trainLoss: 3 / number, trainAccuracy: 50, testLoss: 1, testAccuracy },
  ...{ validationLoss: null, validationAccuracy: testAccuracy, lrUsed: 0.1 / number, lrNext: 0.1, lr: 0.1, seconds: 1 },
});
const done = (accuracies: readonly number[], more: Partial<Outcome> = {}): RunState => ({
  kind: 'done',
  outcome: {
    epochs: accuracies.map((accuracy, i) => epoch(i + 1, accuracy)) as unknown as Outcome['epochs'],
    planned: 3,
    made: { adapter: 'a GPU', version: '0.1.0' },
    ...more,
  },
});

// Three settings: two seeds that come to their end, two of which one diverged, and two that are not made yet.
const sweep: SweepSpec = {
  settings: { arch: 'mlp3-32', dataset: 'fashion-mnist-sample', epochs: 3 },
  grid: { lr: [0.1, 30, 0.01] },
  seeds: [0, 1],
};
const table = sweepTable(sweep);
const [planned] = planTable(table, { scale: 'full', seeds: sweep.seeds });
if (!planned) throw new Error('a sweep has a part');
const part = partResult(planned, 'full', (cell, { seed }) => {
  if (cell.row.name === 'lr 0.1') return done([30, 50, 60 + 2 * seed]);
  if (cell.row.name === 'lr 0.01') return { kind: 'missing' };
  return seed === 0 ? done([10, 20, 15]) : done([9], { divergedIn: 2, divergedAt: { step: 3, op: 'an infinity, made by <matmul>' } });
});
const stored = { table: 'sweep', sweep: { ...sweep, seeds: [0, 1] }, scale: 'full', added: [], runs: [] } as unknown as Parameters<
  typeof writeTableReport
>[1]['stored'];
let file: string;
beforeAll(async () => {
  file = await writeTableReport(root, { table, stored, parts: [part] });
});

it('curves are means over seeds, with bands and where a training diverged', () => {
  const figures = tableFigures(part);
  expect(figures.map(({ name }) => name)).toEqual(
    ['test-accuracy', 'training-loss', 'learning-rate'].map((curve) => `results-sweep-${curve}`),
  );
  expect(figures[0]?.series).toEqual(['lr 0.1', 'lr 30']);
  expect(figures[0]?.points.filter(({ x }) => x === 3)).toEqual([
    { series: 'lr 0.1', x: 3, mean: 61, low: 60, high: 62 },
    { series: 'lr 30', x: 3, mean: 15, low: 15, high: 15 },
  ]);
  expect(figures[0]?.diverged).toEqual([{ series: 'lr 30', x: 1, mean: 9 }]);
  expect(figures[2]?.points.map(({ mean }) => mean).slice(0, 2)).toEqual([0.1, 0.05]);
});

it('a part over an axis is one picture of its metric', () => {
  const [depths] = planTable(findTable('weightnorm-init'), { scale: 'full', parts: ['depth-mlp'], seeds: [0] });
  if (!depths) throw new Error('weightnorm-init has that part');
  const result = partResult(depths, 'full', (cell) => done([Number(cell.column.x) / 2]));
  const [figure, ...others] = tableFigures(result);
  expect(others).toEqual([]);
  expect(figure).toMatchObject({ name: 'depth-mlp-validatedTest', axis: { label: 'layers', logarithmic: true } });
  expect(figure?.points.map(({ x, mean }) => [x, mean]).slice(0, 5)).toEqual([
    [2, 1],
    [10, 5],
    [20, 10],
    [100, 50],
    [200, 100],
  ]);
});

it('more series than colours are told apart by dashes', async () => {
  const series = Array.from({ length: 12 }, (_, i) => `row ${i}`);
  const points = series.flatMap((name, i) => [1, 2].map((x) => ({ series: name, x, mean: i + x, low: i, high: i + 3 })));
  const svg = await renderChart(bandSpec({ title: 't', label: 'v', series, points }, { theme: 'file' }));
  expect(svg.match(/stroke-dasharray="6,3"/g)?.length).toBeGreaterThanOrEqual(2);
});

describe('report.html', () => {
  it('is one file without anything from outside; the pictures are files too', () => {
    const html = readFileSync(file, 'utf8');
    const addresses = [...html.matchAll(/https?:\/\/[^"' <]+/g)].map(([address]) => address);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']));
    expect(html).not.toMatch(/<link|<img|@import|src=/);
    expect(html.match(/<svg /g)).toHaveLength(3);
    const ids = [...html.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(readdirSync(path.join(path.dirname(file), 'figures')).sort()).toEqual(
      ['learning-rate', 'test-accuracy', 'training-loss'].map((curve) => `results-sweep-${curve}.svg`),
    );
    expect(readFileSync(path.join(path.dirname(file), 'figures/results-sweep-test-accuracy.svg'), 'utf8')).not.toContain('var(--');
  });

  it('says what diverged and where, and what it was made on', () => {
    const html = readFileSync(file, 'utf8');
    expect(html).toMatch(
      /What diverged[\s\S]*<th scope="row">lr 30<\/th><td>1<\/td><td>2<\/td><td>3<\/td><td class="note">an infinity, made by &lt;matmul&gt;</,
    );
    expect(html).toContain('<dt>adapter</dt><dd>a GPU</dd>');
    expect(html).toContain('A cross is the last epoch of a training that diverged in the next.');
  });

  it(
    'sorts by a click or a key, stays within a narrow window, and is light and whole on paper',
    () =>
      withPage(async (page) => {
        await page.setViewportSize({ width: 400, height: 700 });
        await page.emulateMedia({ colorScheme: 'dark' });
        await page.goto(`file://${file}`);
        const rows = (): Promise<string[]> => page.locator('table').first().locator('tbody th').allTextContents();
        const written = ['lr 0.1', 'lr 30', 'lr 0.01'];
        expect(await rows()).toEqual(written);
        const last = page.locator('table').first().locator('th', { hasText: 'last training loss' }).locator('button');
        await last.click();
        expect(await rows()).toEqual(['lr 0.1', 'lr 30', 'lr 0.01']);
        const setting = page.locator('table').first().locator('th').first().locator('button');
        await setting.focus();
        await page.keyboard.press('Enter');
        expect(await rows()).toEqual(['lr 30', 'lr 0.1', 'lr 0.01']);
        await page.keyboard.press('Space');
        expect(await rows()).toEqual(['lr 0.01', 'lr 0.1', 'lr 30']);
        expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
        await page.keyboard.press('Enter');
        expect(await rows()).toEqual(written);
        const fits = (): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth');
        expect(await fits()).toBe(true);
        // What is in a picture stays legible: it scrolls in its card.
        expect((await page.locator('.charts svg').first().boundingBox())?.width).toBeGreaterThanOrEqual(480);
        const background = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(await background()).toBe('rgb(22, 20, 18)');
        await page.setViewportSize({ width: 720, height: 1000 });
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
        expect(await background()).toBe('rgb(255, 255, 255)');
        // On paper nothing scrolls: the table is no wider than its card.
        expect(await page.evaluate('document.querySelector(".card").scrollWidth <= document.querySelector(".card").clientWidth')).toBe(
          true,
        );
        expect(await fits()).toBe(true);
      }),
    60_000,
  );
});
